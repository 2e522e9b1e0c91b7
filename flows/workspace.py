"""Where a run happens: in the checkout itself, or with presets in a working copy of its own, runs/NAME/.

A copy holds the files that git tracks, with their uncommitted edits, and a params.yaml with the presets laid over
it; its run.json says which. It shares DVC's cache, the fetched files and the MLflow store with the checkout, and
keeps its outputs for the next run.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.cache import using_cache
from flows.runs import LOCK, record_run, run_folder
from registry.commits import GIT
from registry.store import SQLITE, local_tracking_uri
from seq2seq.core.command_line import explain
from seq2seq.core.errors import UserError
from seq2seq.core.files import hold_lock, replacing, write_text
from seq2seq.core.params import PARAMS, dump_yaml, overlay

COPIED = Path(".work", "copied")  # the list of files that the copy has from the checkout
KEPT = {PARAMS, Path("dvc.lock")}  # a copy has its own


@dataclass(frozen=True)
class Workspace:
    """A folder to run the stages in, and the environment that they see."""

    folder: Path
    environment: Mapping[str, str]


@contextmanager
def open_workspace(
    root: Path,
    tree: dict[str, Any],
    presets: Sequence[str],
    overrides: Sequence[str],
    name: str,
    say: Callable[[str], None],
) -> Iterator[Workspace]:
    """Yield the place of a run, held against other runs of the same name; with presets, bring its copy up to date.

    ``tree`` is what :func:`flows.runs.resolve` returned.

    Raises:
        UserError: presets or assignments are given, and ``root`` is not a git checkout; the disk is full; or the folder
            can't be written to, or has a name that DVC can't read.
    """
    folder = run_folder(root, presets, overrides, name)
    check_place(folder)
    with ExitStack() as held:
        try:
            held.enter_context(using_cache(root, say))
            held.enter_context(hold_lock(folder / LOCK, f"another run works in {folder}; waiting for it to end", say))
            if folder != root:
                record_run(root, folder, presets, overrides, say)
                _refresh(root, folder, tree)
        except OSError as error:
            if reason := explain(error):
                raise UserError(reason) from None
            raise
        yield Workspace(folder, stage_environment(root))


def check_place(folder: Path) -> None:
    """Refuse a path that DVC would read as something else.

    Raises:
        UserError: it has braces, or the sign of Python's formats.
    """
    if bad := re.search(r"[{}]|%\(", str(folder)):
        raise UserError(f"DVC can't work in {folder}, whose path has a {bad[0]}; rename that folder")


def stage_environment(root: Path) -> dict[str, str]:
    """What stages see: this interpreter's `python`, and no path that is relative to another folder than theirs."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    environment["PYTHONUNBUFFERED"] = "1"  # lines reach Prefect when they are written
    if mirror := environment.get("CORPUS_MIRROR"):
        environment["CORPUS_MIRROR"] = str((root / mirror).resolve())
    store = environment.get("MLFLOW_TRACKING_URI") or local_tracking_uri(root)
    if store.startswith(SQLITE):
        store = SQLITE + str((root / store.removeprefix(SQLITE)).resolve())
    environment["MLFLOW_TRACKING_URI"] = store
    return environment


def _refresh(root: Path, folder: Path, tree: dict[str, Any]) -> None:
    """Make the copy in ``folder`` equal to the checkout, touching only what differs."""
    files = {path for path in _tracked_files(root) if path not in KEPT}
    tree, pairs = _local_pairs(root, _with_local_model(root, tree))
    files |= pairs
    before = (folder / COPIED).read_text(encoding="utf-8").splitlines() if (folder / COPIED).exists() else []
    write_text(folder / COPIED, "".join(f"{path}\n" for path in sorted(files | set(map(Path, before)))))
    for path in set(map(Path, before)) - files:
        (folder / path).unlink(missing_ok=True)
    for path in sorted(files):
        _copy_if_changed(root / path, folder / path)
    write_text(folder / COPIED, "".join(f"{path}\n" for path in sorted(files)))
    _write_if_changed(folder / PARAMS, dump_yaml(tree))
    share_fetched_files(root, folder)
    _write_if_changed(folder / ".dvc" / "config.local", settings_of_dvc(root))


def _tracked_files(root: Path) -> list[Path]:
    """Paths of the files that git tracks, and of new Python modules, as they stand now."""
    git = [*GIT, "ls-files", "-z"]
    names: set[str] = set()
    for command in (git, [*git, "--others", "--exclude-standard", "--", "*.py"]):
        try:
            listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", b"").decode(errors="replace") or str(error)
            raise UserError(
                f"a run with presets or --set copies the files that git tracks, but `git ls-files` fails in {root}: "
                f"{' '.join(reason.split())}; clone the repository with git"
            ) from None
        names |= set(os.fsdecode(listed).split("\0")) - {""}
    return [Path(name) for name in names if (root / name).is_file()]


def _local_pairs(root: Path, tree: dict[str, Any]) -> tuple[dict[str, Any], set[Path]]:
    """Find the user's own pairs, which git doesn't track: those of the checkout are copied, others get a full path."""
    from seq2seq.sources.readers.own import find_files

    given = Path(tree["corpora"]["pairs"])
    pairs = root / given
    # of a file that is a link into DVC's cache, the name that the user knows
    pairs = pairs.parent.resolve() / pairs.name if pairs.is_file() else pairs.resolve()
    files = find_files(pairs)
    if given.is_absolute():
        return tree, set()
    if not pairs.is_relative_to(root.resolve()):
        return overlay(tree, {"corpora": {"pairs": str(pairs)}}, str(PARAMS)), set()
    return tree, {path.relative_to(root.resolve()) for path in files}


def _with_local_model(root: Path, tree: dict[str, Any]) -> dict[str, Any]:
    """Give a pretrained model that is a folder its full path."""
    given = tree["pretrained"]["model"]
    if not given or not (root / given).is_dir():
        return tree
    return overlay(tree, {"pretrained": {"model": str((root / given).resolve())}}, str(PARAMS))


def share_fetched_files(root: Path, folder: Path) -> None:
    """Make a copy fetch into the checkout's folder: a fetched file is known by its digest, whoever asked for it."""
    from tasks.stage import FETCHED

    shared = (root / FETCHED).resolve()
    link = folder / FETCHED
    shared.mkdir(parents=True, exist_ok=True)
    target = Path(os.path.relpath(shared, link.parent.resolve()))  # a checkout may be moved, its copies with it
    if link.is_symlink():
        if link.readlink() == target:
            return
        link.unlink()
    elif link.exists():  # the copy was made before this was shared; what it fetched can be fetched again
        shutil.rmtree(link)
    link.symlink_to(target)


def _copy_if_changed(source: Path, target: Path) -> None:
    """Copy a file with its time, by which DVC knows that it needn't hash it again."""
    new = source.stat()
    if target.exists():
        old = target.stat()
        if (old.st_size, old.st_mtime_ns, old.st_mode) == (new.st_size, new.st_mtime_ns, new.st_mode):
            return
    with replacing(target) as partial:  # what is there may be read-only, or a link into DVC's cache
        shutil.copy2(source, partial)


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def settings_of_dvc(root: Path) -> str:
    """A config.local for copies: all that the checkout sets, with the places of its cache and remotes in full."""
    from configobj import ConfigObj
    from dvc.config import Config, merge
    from dvc.repo import Repo

    config = Config(str(root / ".dvc"), validate=False)
    settings = dict[str, dict[str, Any]]()
    for level in Config.REPO_LEVELS:
        merge(settings, config.load_one(level))  # resolves relative paths
    with Repo(str(root)) as repo:
        merge(settings, {"core": {"no_scm": "true"}, "cache": {"dir": str(repo.cache.local_cache_dir)}})
    sections = ConfigObj(interpolation=False)
    for section, values in settings.items():
        for key, value in values.items():
            if isinstance(value, dict):
                sections[f'{section} "{key}"'] = value
            else:
                sections.setdefault(section, {})[key] = value
    return "".join(f"{line}\n" for line in sections.write())
