"""Which commit a run's code is of, and whether edits came on top.

A working copy in runs/ has no git of its own, and the checkout may be edited while it computes: what it was copied
from stands in its run.json.
"""

import subprocess
from pathlib import Path

from seq2seq.core.files import read_json

RUN = Path("run.json")  # in a working copy: what was laid over params.yaml there, and what it was copied from
COMMIT, DIRTY = "git_commit", "git_dirty"
# a mounted checkout may belong to another user, and reading it is safe all the same
GIT = ("git", "-c", "safe.directory=*")


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


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
