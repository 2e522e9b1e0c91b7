"""The MLflow store: the server that MLFLOW_TRACKING_URI names, or SQLite and a folder beside it.

``python -m registry.store`` prints the address to give to other programs.
"""

import errno
import hashlib
import os
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import server
from registry.commits import RUN
from seq2seq.core.command_line import run
from seq2seq.core.errors import UserError
from seq2seq.core.files import hold_lock, replacing
from seq2seq.core.params import PARAMS
from seq2seq.core.redaction import redact

FOLDER = Path("mlruns")
ARTIFACTS = "artifacts"
SQLITE = "sqlite:///"
EXPERIMENTS = Path(".dvc", "tmp", "exps")  # `dvc exp run --temp` and DVC's queue copy a checkout there, for a while
WAITING = "another process uses the MLflow store; waiting for it to end"
# MLflow waits minutes for a silent server; it may be that patient only once the server has answered
PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
FIRST_CALL = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "4"}
# errors come as exceptions; MLflow's log would repeat them with a traceback
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it shows a token that stands in the address
}
NO_BARS = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "False"}
PATH_COLUMNS = {  # where MLflow's database holds absolute paths of artifacts
    "experiments": ["artifact_location"],
    "runs": ["artifact_uri"],
    "logged_models": ["artifact_location"],
    "model_versions": ["source", "storage_location"],
}


@dataclass(frozen=True)
class Store:
    """An open MLflow store."""

    client: Any  # mlflow.MlflowClient
    uri: str
    artifacts: Path | None  # the folder of a local store; a server knows its own place

    def experiment(self, name: str) -> str:
        """The id of the experiment ``name``, made or brought back from the trash where needed."""
        from mlflow.exceptions import MlflowException

        if (found := self.client.get_experiment_by_name(name)) is None:
            # as a URI: MLflow takes a %20 in a path for a space. A name needs no quotes in one.
            location = f"{self.artifacts.as_uri()}/{name}" if self.artifacts else None
            try:
                return str(self.client.create_experiment(name, artifact_location=location))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another machine was first
                    raise
                found = self.client.get_experiment_by_name(name)
        elif found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def check_rights(self, name: str) -> None:
        """Check that this user may register a version of the model ``name``, changing nothing.

        Raises:
            UserError: the user may not.
        """
        if self.artifacts is None:
            server.check_rights(self.client, name, self.uri)
            return
        database = Path(self.uri.removeprefix(SQLITE))
        for path in filter(Path.exists, [database.parent, database, self.artifacts, self.artifacts / name]):
            if not os.access(path, os.W_OK):
                raise UserError(
                    f"{path} can't be written to by this user; see to its permissions, or set MLFLOW_TRACKING_URI to "
                    "another place"
                )


def local_tracking_uri(root: Path) -> str:
    """The address of the local store of the repository at ``root``."""
    return f"{SQLITE}{(root / FOLDER / 'mlflow.db').resolve()}"


def repository_of(folder: Path) -> Path:
    """The checkout that a folder is a copy of, made by DVC for an experiment or by a flow in runs/; else the folder."""
    folder = folder.resolve()
    for above in folder.parents:
        if above.match(str(EXPERIMENTS)):
            return above.parents[2]
    if (folder / RUN).exists() and (folder.parents[1] / PARAMS).exists():
        return folder.parents[1]
    return folder


@contextmanager
def open_store(*, reading: bool = False, away: type[Exception] = UserError) -> Iterator[Store]:
    """Yield the store. Meanwhile no other process on this machine uses it.

    A store of no full address belongs to the checkout, whichever copy of it this is.

    Args:
        reading: nothing has to be written, so a store whose folder may only be read will do, without the lock.
        away: what to raise where no server answers at first: a TransientError by whoever comes after hours of training,
            when a server was there before.

    Raises:
        UserError: MLFLOW_TRACKING_URI is no address that is known here, no store answers there, or it refuses.
        TransientError: the server stopped answering later on.
        OSError: the disk is full.
    """
    root = repository_of(Path())
    uri = os.environ.get(server.ADDRESS) or local_tracking_uri(root)
    # not set on a terminal, since a child that writes to a log would inherit it
    for name, value in (PATIENT | QUIET | ({} if sys.stderr.isatty() else NO_BARS)).items():
        os.environ.setdefault(name, value)
    if uri.startswith(SQLITE):
        database = (root / uri.removeprefix(SQLITE)).resolve()
        _check_place(database)
        uri = f"{SQLITE}{database}"
        artifacts = database.parent / ARTIFACTS
        if reading and database.exists() and not os.access(database.parent, os.W_OK, effective_ids=True):
            with _tell_of_a_full_disk(uri):
                yield Store(_connect(uri, away), uri, artifacts)
            return
        with hold_lock(database.with_name(f"{database.name}.lock"), WAITING), _tell_of_a_full_disk(uri):
            if database.exists():
                _follow_move(database)
            else:
                _create(database, artifacts)
            yield Store(_connect(uri, away), uri, artifacts)
    elif re.match("https?://", uri):
        name = hashlib.sha256(uri.encode()).hexdigest()[:16]
        lock = Path(tempfile.gettempdir()) / f"seq2seq-{os.getuid()}-{name}.lock"
        with (
            hold_lock(lock, WAITING),
            server.without_credentials(uri) as address,
            _tell_of_a_full_disk(address),
            server.told_of(address),
        ):
            yield Store(_connect(address, away), address, None)
    else:
        raise UserError(
            f"MLFLOW_TRACKING_URI is {redact(uri)}; set it to http://HOST:PORT of an MLflow server "
            f"or to {SQLITE}PATH, or unset it to use the local store"
        )


def _connect(uri: str, away: type[Exception]) -> Any:
    """Connect, and know within seconds whether the store is there."""
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient(uri, registry_uri=uri)
    before = {name: os.environ[name] for name in FIRST_CALL}
    os.environ.update(FIRST_CALL)
    try:
        client.search_experiments(max_results=1)
    except MlflowException as error:
        status = server.status_of(error)
        if status is not None and not server.may_pass(status):
            raise UserError(server.refusal(status, uri, error)) from None
        raise (UserError if status is None else away)(
            f"no MLflow store answers at {redact(uri)}: start its server, correct MLFLOW_TRACKING_URI, "
            f"or unset it to use the local store ({server.shorten(error)})"
        ) from None
    finally:
        os.environ.update(before)
    return client


@contextmanager
def _tell_of_a_full_disk(uri: str) -> Iterator[None]:
    """Say in one line what MLflow and SQLAlchemy say in pages."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, shutil.Error) as error:
        if re.search("disk is full|No space left on device", str(error)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), uri.removeprefix(SQLITE)) from error
        raise


def _check_place(database: Path) -> None:
    """Refuse a path that SQLAlchemy or MLflow would take for another one."""
    try:
        name = os.fsencode(database).decode()
    except UnicodeDecodeError:
        name = "?"
    if re.search(r"[?\n]|%[0-9a-fA-F]{2}", name):  # what MLflow loads it unquotes, even a path that was never quoted
        raise UserError(
            f"the MLflow store can't be {ascii(str(database))[1:-1]}: MLflow would read its ?, its line break, its % "
            "before two digits or its letter that is not UTF-8 as something else; rename that folder, or set "
            "MLFLOW_TRACKING_URI to another place"
        )


def _create(database: Path, artifacts: Path) -> None:
    """Let MLflow make its tables in a file aside: killed half-way, it would refuse what it left."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with replacing(database) as partial:
        SqlAlchemyStore(f"{SQLITE}{partial}", artifacts.as_uri()).engine.dispose()


def _follow_move(database: Path) -> None:
    """Rewrite the absolute paths that MLflow recorded, where the store's folder was moved or copied since.

    Each experiment of ours keeps its artifacts in FOLDER/ARTIFACTS/NAME, so its row tells the old FOLDER.
    """
    here = database.parent.as_uri()
    try:
        with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
            rows = connection.execute("SELECT artifact_location, name FROM experiments").fetchall()
            tails = [(place, f"/{ARTIFACTS}/{name}") for place, name in rows]
            for old in {place.removesuffix(tail) for place, tail in tails if place.endswith(tail)} - {here}:
                for table, columns in PATH_COLUMNS.items():
                    for column in columns:
                        connection.execute(
                            f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                            (here, len(old) + 1, len(old) + 1, f"{old}/"),
                        )
    except sqlite3.DatabaseError as error:
        raise UserError(
            f"{database} can't be used as an MLflow store ({error}); move it away, or correct MLFLOW_TRACKING_URI"
        ) from None


def main() -> None:
    """Print the store's address, after mending what a move of its folder broke."""
    given = os.environ.get(server.ADDRESS)
    with open_store() as store:
        print(store.uri)
        if given and store.artifacts is None and store.uri != given:
            print(
                f"notice: this address is without its password; programs that use it need {server.USER} and "
                f"{server.PASSWORD}",
                file=sys.stderr,
            )


if __name__ == "__main__":
    run(main)
