"""DVC's cache: which of its files a project, a commit or a version names, which it lacks, and who uses it now."""

import fcntl
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from registry.commits import GIT, LOCK_FILE
from seq2seq.core.errors import TransientError
from seq2seq.core.params import read_yaml
from tasks.stage import WORK

TRACKED = ".dvc"  # ends the name of a file that tells of data, NAME.dvc
FOLDER = ".dir"  # ends the digest of a folder, whose file in the cache lists what it holds
DIGEST = r"md5: [0-9a-f]{32}(\.dir)?"  # as dvc.lock and NAME.dvc write it
FILE = re.compile(r"[0-9a-f]{30}(\.dir)?")  # behind two digits that name a folder; DVC's unfinished files differ
USED = WORK / "cache.lock"  # of the checkout: runs share it, and who removes files has it alone


class Cache:
    """The cache of a DVC project, which the working copies in runs/ share."""

    def __init__(self, root: Path) -> None:
        from dvc.repo import Repo

        with Repo(str(root)) as repo:
            self.folder = Path(repo.cache.local_cache_dir) / "files" / "md5"

    def file(self, digest: str) -> Path:
        """Where the cache has what a digest names, or would have it."""
        return self.folder / digest[:2] / digest[2:]

    def files(self) -> list[Path]:
        """All that there is."""
        return sorted(path for path in self.folder.glob("??/*") if FILE.fullmatch(path.name))

    def list_folder(self, digest: str) -> dict[str, str]:
        """The files of a folder, each with its digest; of a single file itself, without a name.

        Raises:
            FileNotFoundError: the cache lacks that list.
        """
        if not digest.endswith(FOLDER):
            return {"": digest}
        listed = json.loads(self.file(digest).read_text(encoding="utf-8"))
        return {one["relpath"]: one["md5"] for one in listed}

    def lacks(self, outputs: Mapping[str, str]) -> list[str]:
        """The first file of each output that isn't in the cache; an output's own path where its list isn't."""
        missing = []
        for path, digest in outputs.items():
            try:
                files = self.list_folder(digest)
            except FileNotFoundError:
                files = {"": digest}
            absent = [str(Path(path, name)) for name, one in files.items() if not self.file(one).exists()]
            missing += absent[:1]
        return missing

    def expand(self, digests: Iterable[str]) -> set[Path]:
        """The files of the cache that digests name, with what the folders among them hold."""
        found = set[Path]()
        for digest in digests:
            found.add(self.file(digest))
            if digest.endswith(FOLDER) and self.file(digest).exists():
                found.update(map(self.file, self.list_folder(digest).values()))
        return found


def outputs_of_stages(lock: Path) -> dict[str, dict[str, str]]:
    """The outputs in a dvc.lock by stage: the digest of each path."""
    stages = read_yaml(lock).get("stages", {})
    return {name: {one["path"]: one["md5"] for one in stage.get("outs", [])} for name, stage in stages.items()}


def tracked_data(folder: Path) -> dict[str, str]:
    """What the files NAME.dvc in a project track: the digest of each path."""
    found = dict[str, str]()
    for file in _data_files(folder):
        place = file.parent.relative_to(folder)
        found |= {str(place / one["path"]): one["md5"] for one in read_yaml(file).get("outs", [])}
    return found


def _data_files(folder: Path) -> Iterator[Path]:
    for place, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".") and name not in ("runs", "mlruns")]
        yield from (Path(place, name) for name in sorted(names) if name.endswith(TRACKED))


def digests_of_folder(folder: Path) -> set[str]:
    """The digests that a project's dvc.lock and NAME.dvc name."""
    files = [path for path in [folder / LOCK_FILE, *_data_files(folder)] if path.is_file()]
    return {digest for file in files for digest in digests_of_text(file.read_bytes())}


def digests_of_text(text: bytes) -> set[str]:
    """The digests that a dvc.lock, a NAME.dvc or a diff of one names."""
    return {match[0].decode().removeprefix("md5: ") for match in re.finditer(DIGEST.encode(), text)}


def digests_of_commit(root: Path, commit: str) -> set[str]:
    """The digests that dvc.lock and NAME.dvc of a commit name; none where git doesn't have it."""
    command = [
        *GIT,
        "grep",
        "--text",
        "-h",
        "--only-matching",
        "-E",
        DIGEST,
        commit,
        "--",
        str(LOCK_FILE),
        f"*{TRACKED}",
    ]
    return digests_of_text(subprocess.run(command, cwd=root, capture_output=True, check=False).stdout)


def commits_in_use(root: Path) -> list[str]:
    """The commits that branches, tags, the stash and DVC's experiments name, and the one that is checked out."""
    command = [*GIT, "for-each-ref", "--format=%(objectname)"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout
    return ["HEAD", *sorted(set(listed.split()))]


@contextmanager
def using_cache(root: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Keep :mod:`flows.collect` from removing anything meanwhile; where it is at work, wait for its end."""
    path = root / USED
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            say("files that nothing needs are being removed; waiting for the end of that")
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextmanager
def alone_with_cache(root: Path, projects: Iterable[Path]) -> Iterator[None]:
    """Let no run start meanwhile, nor any command of DVC in the projects that share the cache.

    Raises:
        TransientError: one is at work now.
    """
    from dvc.lock import LockError
    from dvc.repo import Repo

    path = root / USED
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock, ExitStack() as held:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for project in projects:
                repo = held.enter_context(Repo(str(project)))
                held.enter_context(repo.lock)
                if busy := _stages_at_work(project):
                    raise TransientError(f"nothing is removed while `{busy}` is at work in {project}; try again then")
        except (BlockingIOError, LockError):
            raise TransientError("nothing is removed while a run is at work; try again when it has ended") from None
        yield


def _stages_at_work(project: Path) -> str:
    """A command that runs there under `dvc repro`, which gives its lock back meanwhile; empty where there is none."""
    try:
        listed = json.loads((project / ".dvc" / "tmp" / "rwlock").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return ""
    readers = [one for several in listed.get("read", {}).values() for one in several]
    users = [*readers, *listed.get("write", {}).values()]
    return next((str(one["cmd"]) for one in users if one and Path("/proc", str(one["pid"])).exists()), "")
