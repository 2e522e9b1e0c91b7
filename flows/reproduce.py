"""Make a registered version again, in a folder of its own, and tell whether the bytes are the same.

``python -m flows.reproduce --version N`` takes the code from git, with the changes that the version kept, its params
and its dvc.lock, and data from DVC's cache or remote. What the cache lacks is computed again; ``--from-scratch``
computes everything again.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.cache import Cache, outputs_of_stages, tracked_data, using_cache
from flows.differences import SUMMARY, compare
from flows.processes import Children
from flows.runs import LOCK, RUNS
from flows.stages import CODE, REGISTER, StageError, read_stages, run_stage
from flows.workspace import check_place, settings_of_dvc, share_fetched_files, stage_environment
from registry.commits import CHANGES, COMMIT, DIFF, DIRTY, GIT, LEFT_OUT, LOCK_FILE, inputs_of
from registry.store import Store, open_store
from registry.versions import RegisteredModel
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import hold_lock, read_json, replacing, sha256_tree, write_json, write_text
from seq2seq.core.params import PARAMS
from seq2seq.release.params import registered_name
from tasks.stage import WORK

RECORD = WORK / "registered"  # in the folder of a version made again: what MLflow kept of it
VERSION = RECORD / "version.json"
OUTCOME = RECORD / "outcome.json"  # written at the end


def fetch_record(store: Store, model: RegisteredModel, which: str, out: Path) -> dict[str, Any]:
    """Write what a version kept to ``out``, and return its name, number and tags.

    Args:
        store: where it is registered.
        model: its name's versions.
        which: the version's number or alias.
        out: a folder.

    Raises:
        UserError: there is no such version, or its run, or what it takes to make it again.
    """
    from mlflow.exceptions import MlflowException

    if not which.isdecimal() and which not in model.aliases:
        known = ", ".join(sorted(model.aliases)) or "none"
        raise UserError(f"'{model.name}' has no version '{which}'; give its number, or an alias (there is {known})")
    number = int(which) if which.isdecimal() else model.aliases[which]
    version = model.version(number)
    run_id = version.run_id
    try:
        listed = [item.path for place in ("", "reports") for item in store.client.list_artifacts(run_id, place)]
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise UserError(
            f"version {number} of '{model.name}' can't be made again: its MLflow run {run_id} is gone"
        ) from None
    for path in (str(PARAMS), str(LOCK_FILE), str(SUMMARY)):
        if path not in listed:
            raise UserError(
                f"version {number} of '{model.name}' can't be made again: its MLflow run {run_id} lacks {path}"
            )
        kept = Path(store.client.download_artifacts(run_id, path, str(out)))  # whether in folders depends on the store
        kept.replace(out / kept.name)
    if CHANGES in listed:
        store.client.download_artifacts(run_id, CHANGES, str(out))
    return {"name": model.name, "version": number, "run_id": run_id, "tags": dict(version.tags)}


def make_folder(root: Path, folder: Path, record: Path, version: Mapping[str, Any]) -> None:
    """Make ``folder``: the commit of a version, what came on top of it, its params, its dvc.lock, DVC's settings.

    Raises:
        UserError: git doesn't have the commit, or data that was too large to keep isn't in the checkout.
    """
    with replacing(folder) as partial:
        partial.mkdir()
        _export(root, version, partial)
        if (diff := record / CHANGES / DIFF).exists():
            _apply(diff, partial)
            _take_left_out(root, read_json(record / CHANGES / LEFT_OUT), partial)
        elif version["tags"].get(DIRTY) == "true":
            print("notice: the code had edits that were not committed, and this version didn't keep them")
        for name in (PARAMS, LOCK_FILE):
            shutil.copy(record / name, partial / name)
        shutil.copytree(record, partial / RECORD)
        write_json(partial / VERSION, version)
        write_text(partial / ".dvc" / "config.local", settings_of_dvc(root))
        share_fetched_files(root, partial)


def _export(root: Path, version: Mapping[str, Any], folder: Path) -> None:
    commit = version["tags"].get(COMMIT)
    if commit is None:
        raise UserError(f"version {version['version']} was registered without git, which alone would have its code")
    with tempfile.TemporaryFile() as archive:
        try:
            subprocess.run([*GIT, "archive", commit], cwd=root, stdout=archive, stderr=subprocess.PIPE, check=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            reason = " ".join(os.fsdecode(getattr(error, "stderr", b"")).split()) or error
            raise UserError(
                f"commit {commit} of version {version['version']} is not in the git of {root.resolve()} ({reason}); "
                "fetch it from a clone that has it"
            ) from None
        archive.seek(0)
        subprocess.run(["tar", "-x"], cwd=folder, stdin=archive, check=True)


def _apply(diff: Path, folder: Path) -> None:
    if not diff.stat().st_size:
        return
    command = [*GIT, "apply", "--binary", "--whitespace=nowarn", str(diff.resolve())]
    # else git would look for the checkout around the folder, and leave out what isn't in there
    variables = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent.resolve())}
    subprocess.run(command, cwd=folder, env=variables, check=True)


def _take_left_out(root: Path, left_out: Mapping[str, Any], folder: Path) -> None:
    for path, facts in left_out.items():
        source = root / path
        if not source.exists() or sha256_tree(source) != facts["sha256"]:
            raise UserError(
                f"the version read {path}, which was not kept with it: put the file of {facts['bytes']:,} bytes with "
                f"SHA-256 {facts['sha256']} there"
            )
        if not Path(path).is_absolute():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / path)


def restore_data(folder: Path, children: Children) -> None:
    """Put in place what DVC's cache or remote has; say what will be computed again.

    Raises:
        UserError: data are missing that no stage makes.
    """
    cache, tracked = Cache(folder), tracked_data(folder)
    made = {path: md5 for outputs in outputs_of_stages(folder / LOCK_FILE).values() for path, md5 in outputs.items()}
    said = list[str]()
    if cache.lacks(tracked | made):
        _dvc(children, said, "fetch")
    reason = next((line for line in reversed(said) if line.startswith("ERROR: ")), "ERROR: it has none")
    remote = f"no remote has it ({reason.removeprefix('ERROR: ')})"
    if missing := cache.lacks(tracked):
        raise UserError(f"DVC's cache lacks {missing[0]}, and {remote}; `dvc push` it from where it is")
    for path in cache.lacks(made):
        print(f"DVC's cache lacks {path}, and {remote}; the stage that makes it runs again")
    _dvc(children, said, "checkout", "--allow-missing")
    for path in inputs_of(folder):
        if not (folder / path).exists():
            raise UserError(f"{path} is missing, which a stage reads: neither git nor the version has kept it")


def _dvc(children: Children, said: list[str], *arguments: str) -> None:
    children.run([sys.executable, "-P", "-m", "dvc", *arguments], said.append)


def run_stages(folder: Path, children: Children, from_scratch: bool) -> list[str]:
    """Bring all stages up to date, but for the registration; return their names, each after those that it depends on.

    Raises:
        UserError: a stage fails by what a user can mend.
        TransientError: by what may be gone in a while.
        StageError: otherwise.
    """
    stages = [stage.name for stage in read_stages(folder, print) if stage.name != REGISTER]
    for name in stages:
        # run even if nothing changed, `code` finds out whether the packages are those that were pinned then
        options = ["--force"] if from_scratch or name == CODE else []
        try:
            run_stage(name, children, print, *options)
        except (UserError, TransientError, StageError) as error:
            raise type(error)(f"stage {name}: {error}") from None
    return stages


def _is_unfinished(folder: Path, version: Mapping[str, Any]) -> bool:
    """Whether a folder is of an earlier try to make the same version again, which was ended before it was done."""
    if (folder / OUTCOME).exists() or not (folder / VERSION).exists():
        return False
    return bool(read_json(folder / VERSION)["run_id"] == version["run_id"])


def reproduce(root: Path, which: str, name: str, into: Path | None, from_scratch: bool) -> bool:
    """Make a version again; print whether its bytes are the same, or what differs, and return that.

    Raises:
        UserError, TransientError, StageError: as told above.
    """
    with tempfile.TemporaryDirectory() as scratch, using_cache(root, print):
        with open_store() as store:
            version = fetch_record(store, RegisteredModel(store.client, name), which, Path(scratch))
        folder = into or root / RUNS / f"{name}@{version['version']}"
        check_place(folder)
        with hold_lock(root / WORK / "reproduce.lock"):
            if not folder.exists():
                make_folder(root, folder, Path(scratch), version)
            elif not _is_unfinished(folder, version):
                raise UserError(f"{folder} exists; remove it, or choose another folder with --into")
        print(f"version {version['version']} of {name} is made again in {folder}")
        environment = {key: value for key, value in stage_environment(root).items() if key != "MLFLOW_TRACKING_URI"}
        with (
            hold_lock(folder / LOCK, f"another process works in {folder}; waiting for it to end"),
            Children(folder, environment) as children,
        ):
            restore_data(folder, children)
            stages = run_stages(folder, children, from_scratch)
            same, lines = compare(folder, folder / RECORD, stages, version["tags"])
            write_json(folder / OUTCOME, lines)
    print("\n".join(lines))
    return same


def main() -> None:
    """Read the command line, make the version again, end with 0 if the bytes are the same, else with 1."""
    parser = ArgumentParser(prog="python -m flows.reproduce", description=__doc__)
    parser.add_argument("--version", required=True, metavar="N", help="its number, or an alias such as champion")
    parser.add_argument("--name", help="of the registered model; by default that of params.yaml")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="to make; by default runs/NAME@N")
    parser.add_argument("--from-scratch", action="store_true", help="run every stage, even if its outputs are cached")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that what was started is ended
    name = arguments.name or registered_name(PARAMS)
    try:
        same = reproduce(Path.cwd(), arguments.version, name, arguments.into, arguments.from_scratch)
    except StageError as error:
        sys.exit(f"error: {error}")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    run(main)
