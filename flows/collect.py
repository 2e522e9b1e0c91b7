"""Free the disk of what nothing needs any more: ``python -m flows.collect [--dry-run] [--keep N]``.

It removes

- versions beyond the newest N of a model that never were champion and bear no alias, and MLflow runs without a version;
- finished working copies in runs/ beyond the newest N, and versions that were made again there;
- work in .work that was finished since;
- files in DVC's cache that neither the checkout, a branch or tag, a copy that stays, nor a version that stays needs.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flows.cache import (
    Cache,
    alone_with_cache,
    commits_in_use,
    digests_of_commit,
    digests_of_folder,
    digests_of_text,
)
from flows.reproduce import OUTCOME, VERSION
from flows.runs import REGISTRATION, RUNS, has_finished, is_locked
from registry.commits import CHANGES, COMMIT, DIFF, LOCK_FILE, RUN
from registry.retention import (
    all_versions,
    find_run,
    models_of,
    remove_run,
    remove_version,
    runs_without_version,
    surplus_versions,
)
from registry.store import Store, open_store
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json
from tasks.stage import FINISHED, WORK

KEPT = 5  # where no number is given

Say = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    """Something that nothing needs."""

    path: str
    bytes: int
    why: str
    remove: Callable[[], object]


def collect(root: Path, keep: int, dry_run: bool, say: Say) -> None:
    """List what nothing needs, with bytes, and remove it, unless this is a dry run.

    Args:
        root: the checkout.
        keep: how many of the newest copies, and of the newest versions of each model, stay in any case.
        dry_run: only list.
        say: is given each line.

    Raises:
        TransientError: a run is at work, or the registry went away.
        UserError: the registry can't be had.
    """
    copies = [path for path in sorted((root / RUNS).glob("*")) if (path / RUN).exists() or (path / VERSION).exists()]
    experiments = [path for path in (root / ".dvc" / "tmp" / "exps").glob("*") if (path / ".dvc").is_dir()]
    with alone_with_cache(root, [root, *copies, *experiments]), open_store() as store:
        versions = all_versions(store)
        old = _old_copies(copies, {version.run_id for version in versions}, keep, say)
        folders = [root, *(folder for folder in copies if folder not in old)]
        named = _registrations([root, *copies])
        surplus = [
            version
            for model in models_of(store, named)
            for version in surplus_versions(model, keep, _registrations(folders).get(model.name, set()))
        ]
        stay = [version for version in versions if version.run_id not in {one.run_id for one in surplus}]
        # in such an order that after a kill the next call finds what is left over
        items = [
            *(_version(store, version) for version in surplus),
            *_unused_runs(store, versions, named),
            *(_folder(path, why) for path, why in old.items()),
            *(_folder(path, "what a kill left of a copy") for path in sorted((root / RUNS).glob(".*.partial"))),
            *(_folder(path, "work that was finished since") for path in _finished_work(folders)),
            *_unused_files(root, store, [*folders, *experiments], stay, say),
        ]
        for item in items:
            say(f"{item.bytes:>15,}  {item.path}  ({item.why})")
        total = f"{sum(item.bytes for item in items):,} bytes in {len(items):,} places"
        if dry_run:
            say(f"{total} would be removed")
            return
        for item in items:
            item.remove()
        say(f"{total} were removed")


def _old_copies(copies: Sequence[Path], run_ids: set[str], keep: int, say: Say) -> dict[Path, str]:
    """The working copies that may go, each with the reason: the registry has what they made."""
    made_again = [folder for folder in copies if (folder / VERSION).exists()]
    runs = sorted(set(copies) - set(made_again), key=lambda folder: (folder / RUN).stat().st_mtime, reverse=True)
    finished = [
        folder for folder in runs if has_finished(folder) and read_json(folder / REGISTRATION)["run_id"] in run_ids
    ]
    compared = [folder for folder in made_again if (folder / OUTCOME).exists()]
    for folder in copies:
        if folder not in (*finished, *compared):
            say(f"{folder} stays, as its run didn't finish or isn't in this registry; remove it by hand if it may go")
    return dict.fromkeys(compared, "a version that was made again") | dict.fromkeys(
        finished[keep:], f"a finished run, not one of the newest {keep}"
    )


def _registrations(folders: Sequence[Path]) -> dict[str, set[int]]:
    """The models that runs in these folders registered, each with the numbers of their versions."""
    found = dict[str, set[int]]()
    for path in (folder / REGISTRATION for folder in folders):
        if path.exists():
            made = read_json(path)
            found.setdefault(made["name"], set()).add(made["version"])
    return found


def _version(store: Store, version: Any) -> Item:
    """A version with its run."""
    found = find_run(store, version.run_id)

    def remove() -> None:
        remove_version(store, version)
        if found:
            remove_run(store, found)

    bytes_of_run = sum(map(_size, found.folders)) if found else 0
    return Item(f"models:/{version.name}/{version.version}", bytes_of_run, "an older version, never champion", remove)


def _unused_runs(store: Store, versions: Sequence[Any], named: Mapping[str, object]) -> Iterator[Item]:
    names = {version.name for version in versions} if store.artifacts else set(named)
    for found in runs_without_version(store, names, {version.run_id for version in versions}, time.time() * 1000):
        size = sum(map(_size, found.folders))
        yield Item(f"runs:/{found.run_id}", size, "a run without a version", partial(remove_run, store, found))


def _folder(path: Path, why: str) -> Item:
    return Item(str(path), _size(path), why, lambda: shutil.rmtree(path))


def _finished_work(folders: Sequence[Path]) -> list[Path]:
    """Folders of unfinished work with which a stage went through, and in which none is at work."""
    marks = [mark for folder in folders for mark in sorted((folder / WORK).glob(f"*/*/{FINISHED}"))]
    return [mark.parent for mark in marks if not is_locked(mark.parents[1] / "lock")]


def _unused_files(
    root: Path, store: Store, folders: Sequence[Path], versions: Sequence[Any], say: Say
) -> Iterator[Item]:
    """The files in DVC's cache that no folder, commit or version needs of those that stay."""
    cache = Cache(root)
    if not cache.folder.resolve().is_relative_to(root.resolve()):
        say(
            f"DVC's cache {cache.folder} is outside of this checkout, where others may use it: nothing in it is removed"
        )
        return
    needed = [digests_of_folder(folder) for folder in folders]
    needed += [digests_of_commit(root, commit) for commit in commits_in_use(root)]
    needed += [_digests_of_version(root, store, version) for version in versions]
    keep = cache.expand(set().union(*needed))
    for path in cache.files():
        if path not in keep:
            yield Item(str(path), path.stat().st_size, "no project, commit or version needs it", path.unlink)


def _digests_of_version(root: Path, store: Store, version: Any) -> set[str]:
    """What it takes to make a version again: the outputs of its stages, and the data that its commit tracks."""
    if (found := find_run(store, version.run_id)) is None:
        return set()
    digests = digests_of_commit(root, version.tags[COMMIT]) if COMMIT in version.tags else set()
    with tempfile.TemporaryDirectory() as scratch:
        for path in (str(LOCK_FILE), f"{CHANGES}/{DIFF}"):
            if path in found.files:
                digests |= digests_of_text(
                    Path(store.client.download_artifacts(found.run_id, path, scratch)).read_bytes()
                )
    return digests


def _size(path: Path) -> int:
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_symlink() or file.is_file())


def main() -> None:
    """Read the command line, list and remove."""
    parser = ArgumentParser(prog="python -m flows.collect", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="list it, and remove nothing")
    parser.add_argument(
        "--keep", type=int, default=KEPT, metavar="N", help=f"of copies and of each model's versions; {KEPT} by default"
    )
    arguments = parser.parse_args()
    if arguments.keep < 1:
        raise UserError(f"--keep {arguments.keep}: the newest version always stays; write 1 or more")
    collect(Path.cwd(), arguments.keep, arguments.dry_run, print)


if __name__ == "__main__":
    run(main)
