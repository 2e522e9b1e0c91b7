"""Which commit a run's code is of, and what came on top of it.

A working copy in runs/ has no git of its own, and the checkout may be edited while it computes: what it was copied
from stands in its run.json, and what it computes with is what lies in it.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from seq2seq.core.files import read_json, sha256_tree, write_bytes, write_json
from seq2seq.core.params import PARAMS, read_yaml

RUN = Path("run.json")  # in a working copy: what was laid over params.yaml there, and what it was copied from
LOCK_FILE = Path("dvc.lock")
COMMIT, DIRTY = "git_commit", "git_dirty"
DIFF, LEFT_OUT = Path("uncommitted.diff"), Path("left_out.json")  # what keep_changes writes
CHANGES = "changes"  # the folder of these two among the artifacts of an MLflow run
NEW_BYTES = 50_000_000  # of files that git doesn't know, at most so much is kept
# a mounted checkout may belong to another user, and reading it is safe all the same
GIT = ("git", "-c", "safe.directory=*")
AS_IT_IS = ("--patch", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv")  # a diff of bytes


def commit_of_run(folder: Path) -> dict[str, str]:
    """The tags ``git_commit`` and ``git_dirty`` of a run in ``folder``; none where git doesn't know it."""
    return dict(read_json(folder / RUN)["code"]) if (folder / RUN).exists() else read_commit(folder)


def read_commit(checkout: Path) -> dict[str, str]:
    """The same of a checkout as it stands: dirty are tracked files with edits, and modules that nobody added yet.

    dvc.lock doesn't count: a run writes it.
    """
    try:
        commit = _git(checkout, "rev-parse", "HEAD")
        edited = _git(checkout, "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)dvc.lock")
        new = _git(checkout, "ls-files", "--others", "--exclude-standard", "--", "*.py")
    except (FileNotFoundError, subprocess.CalledProcessError):
        return {}  # no git, or not a clone: the origin's digests of the code still tell
    return {COMMIT: commit, DIRTY: str(bool(edited or new)).lower()}


def keep_changes(folder: Path, out: Path) -> None:
    """Write to ``out`` what turns the commit of a run into the files that lie in ``folder``.

    uncommitted.diff has edits of tracked files, and new files that a run reads: modules, and data that no stage makes.
    left_out.json has size and SHA-256 of data that is too large to keep, or that lies outside of the folder.
    params.yaml and dvc.lock are kept on their own. Nothing is written where git doesn't know the run's commit.
    """
    folder = folder.resolve()
    if (commit := commit_of_run(folder).get(COMMIT)) is None:
        return
    inputs = inputs_of(folder)
    outside = [path for path in inputs if not (folder / path).resolve().is_relative_to(folder)]
    try:
        checkout = folder.parents[1] if (folder / RUN).exists() else folder
        tree = f"{commit}:{_git(checkout, 'rev-parse', '--show-prefix').rstrip('/')}"
        with tempfile.TemporaryDirectory() as scratch:
            git = _Aside(folder, Path(scratch))
            git.run("read-tree", tree)
            new = _new_files(git, sorted(set(inputs) - set(outside)))
            left_out = [*_too_large(folder, new), *outside]
            added = "".join(f"{path}\0" for path in sorted(set(new) - set(left_out)))
            git.run("add", "--update")
            git.run(
                "--literal-pathspecs", "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", text=added
            )
            kept_apart = [f":(exclude){path}" for path in (PARAMS, LOCK_FILE)]
            diff = git.run("diff-index", "--cached", *AS_IT_IS, tree, "--", ".", *kept_apart)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = os.fsdecode(getattr(error, "stderr", b"")) or str(error)
        print(f"notice: what differs from commit {commit} is not kept, as git fails: {' '.join(reason.split())}")
        return
    kept = {path: _describe(folder / path) for path in left_out if (folder / path).exists()}
    for path, facts in kept.items():
        print(
            f"notice: the version keeps of {path} ({facts['bytes']:,} bytes) its SHA-256 alone; take care of the file"
        )
    write_bytes(out / DIFF, diff)
    write_json(out / LEFT_OUT, kept)


class _Aside:
    """git over the files of a folder, with an index and objects of its own: the checkout's stay as they are."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        objects = _git(folder, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        (scratch / "objects").mkdir()
        self.variables = os.environ | {
            "GIT_DIR": _git(folder, "rev-parse", "--absolute-git-dir"),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(scratch / "index"),
            "GIT_OBJECT_DIRECTORY": str(scratch / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": json.dumps(objects, ensure_ascii=False),  # quoted, as it may have a :
        }

    def run(self, *arguments: str, text: str = "") -> bytes:
        command = [*GIT, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.variables, input=os.fsencode(text), capture_output=True, check=True
        ).stdout

    def list_files(self, *arguments: str) -> set[str]:
        return set(os.fsdecode(self.run("ls-files", "-z", *arguments)).split("\0")) - {""}


def inputs_of(folder: Path) -> list[str]:
    """The files and folders that stages read and no stage writes, nor anything in them, as dvc.lock names them."""
    if not (folder / LOCK_FILE).exists():
        return []
    stages = read_yaml(folder / LOCK_FILE).get("stages", {}).values()
    named = {kind: {one["path"] for stage in stages for one in stage.get(kind, [])} for kind in ("deps", "outs")}
    return sorted(path for path in named["deps"] if not any(_overlap(path, out) for out in named["outs"]))


def _overlap(path: str, other: str) -> bool:
    return Path(path).is_relative_to(other) or Path(other).is_relative_to(path)


def _new_files(git: _Aside, inputs: Sequence[str]) -> list[str]:
    """What git doesn't know and a run reads: modules, and what lies in inputs; what DVC tracks is in its cache."""
    found = git.list_files("--others", "--exclude-standard", "--", "*.py")
    if inputs:
        found |= git.list_files("--others", "--exclude=__pycache__/", "--", *(f":(literal){path}" for path in inputs))
    return sorted(path for path in found if not (git.folder / f"{path}.dvc").exists())


def _too_large(folder: Path, new: Sequence[str]) -> list[str]:
    """Those of the new files that don't fit: the smallest are kept first."""
    ordered = sorted(new, key=lambda path: (folder / path).lstat().st_size)
    totals = accumulate((folder / path).lstat().st_size for path in ordered)
    return [path for path, total in zip(ordered, totals, strict=True) if total > NEW_BYTES]


def _describe(path: Path) -> dict[str, str | int]:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {"sha256": sha256_tree(path), "bytes": sum(file.stat().st_size for file in files)}


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
