"""Compare what was made again with what was registered: bytes first, and where they differ, machines and scores."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.cache import Cache, outputs_of_stages
from registry.commits import LOCK_FILE
from seq2seq.bundles.manifest import MANIFEST, bundle_digest
from seq2seq.core.files import read_json
from seq2seq.core.machine import describe_machine

SUMMARY = Path("reports", "release.json")  # of the version: digests of its bundles, scores
COMPARED = ("bleu", "chrf")  # of all scores


def compare(folder: Path, record: Path, stages: Sequence[str], tags: Mapping[str, str]) -> tuple[bool, list[str]]:
    """Whether the registered bundles are among the outputs in ``folder``, and what there is to say, in lines.

    Args:
        folder: where the version was made again.
        record: what MLflow kept of it: dvc.lock and the summary of its release.
        stages: that were brought up to date, each after those that it depends on.
        tags: of the version.
    """
    before = outputs_of_stages(record / LOCK_FILE)
    after = outputs_of_stages(folder / LOCK_FILE)
    summary = read_json(record / SUMMARY.name)
    made = {bundle_digest(folder / path): path for outs in after.values() for path in outs if _is_bundle(folder / path)}
    registered = summary["bundles"]
    differing = {
        stage: [path for path, digest in after[stage].items() if before.get(stage, {}).get(path) != digest]
        for stage in stages
    }
    if all(digest in made for digest in registered.values()):
        lines = [f"the same bytes: {kind} bundle {digest} ({made[digest]})" for kind, digest in registered.items()]
        if others := [path for paths in differing.values() for path in paths]:
            lines.append(f"other outputs that differ, as those that hold timings do: {', '.join(others)}")
        return True, lines
    lines = [_first_difference(folder, before, after, differing)]
    lines += _other_machine(tags)
    lines += _scores(folder, after, summary["scores"])
    return False, lines


def _is_bundle(path: Path) -> bool:
    return (path / MANIFEST).exists()


def _first_difference(
    folder: Path,
    before: Mapping[str, Mapping[str, str]],
    after: Mapping[str, Mapping[str, str]],
    differing: Mapping[str, list[str]],
) -> str:
    """Name the first stage whose outputs differ, and how: in which files, and with the same inputs or with others."""
    stage = next((stage for stage, paths in differing.items() if paths), None)
    if stage is None:
        return (
            "every stage has the same outputs, but what was registered is not among them: dvc.lock was of another run"
        )
    cache = Cache(folder)
    path = differing[stage][0]
    try:
        old = cache.list_folder(before[stage][path])
        new = cache.list_folder(after[stage][path])
        files = [str(Path(path, name)) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    except (KeyError, FileNotFoundError):  # it wasn't there, or the cache has lost it
        files = [path]
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"stage {stage} is the first whose output differs: {', '.join(files[:3])}{more}"


def _other_machine(tags: Mapping[str, str]) -> list[str]:
    """What differs between this machine and the one that registered the version, one line a fact."""
    if not any(key.startswith("machine.") for key in tags):
        return ["the version doesn't say on which machine it was registered"]
    lines = [
        f"another {fact}: registered on {tags[key]}, made again on {here}"
        for fact, here in describe_machine().items()
        if (key := f"machine.{fact}") in tags and tags[key] != here
    ]
    return lines or ["this machine is like the one that it was registered on"]


def _scores(folder: Path, after: Mapping[str, Mapping[str, str]], registered: Mapping[str, Any]) -> Iterator[str]:
    """Lines with both numbers of each score."""
    paths = [path for outputs in after.values() for path in outputs]
    for engine, scores in registered.items():
        if (path := next((path for path in paths if path.endswith(f"scores/{engine}.json")), None)) is None:
            continue
        here = dict(_numbers(read_json(folder / path), ""))
        for name, value in _numbers(scores, ""):
            yield f"{engine}{name}: {value:.2f} registered, {here.get(name, float('nan')):.2f} made again"


def _numbers(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix} {key}")
        elif key in COMPARED and isinstance(value, int | float):
            yield f"{prefix} {key}", float(value)
