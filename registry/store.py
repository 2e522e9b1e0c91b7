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
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.core.command_line import run
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import hold_lock, replacing

FOLDER = Path("mlruns")
ARTIFACTS = "artifacts"
SQLITE = "sqlite:///"
WAITING = "another process uses the MLflow store; waiting for it to end"
# MLflow waits minutes for a silent server; it may be that patient only once the server has answered
PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
FIRST_CALL = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "4"}
# errors come as exceptions; MLflow's log would repeat them with a traceback
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "CRITICAL"}
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


def local_tracking_uri(root: Path) -> str:
    """The address of the local store of the repository at ``root``."""
    return f"{SQLITE}{(root / FOLDER / 'mlflow.db').resolve()}"


@contextmanager
def open_store(*, reading: bool = False) -> Iterator[Store]:
    """Yield the store. Meanwhile no other process on this machine uses it.

    Args:
        reading: nothing has to be written, so a store whose folder may only be read will do, without the lock.

    Raises:
        UserError: MLFLOW_TRACKING_URI is no address that is known here, or no store answers there.
        TransientError: the server stopped answering later on.
        OSError: the disk is full.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or local_tracking_uri(Path())
    # not set on a terminal, since a child that writes to a log would inherit it
    for name, value in (PATIENT | QUIET | ({} if sys.stderr.isatty() else NO_BARS)).items():
        os.environ.setdefault(name, value)
    if uri.startswith(SQLITE):
        database = Path(uri.removeprefix(SQLITE)).resolve()
        _check_place(database)
        uri = f"{SQLITE}{database}"
        artifacts = database.parent / ARTIFACTS
        if reading and database.exists() and not os.access(database.parent, os.W_OK, effective_ids=True):
            with _short_errors(uri):
                yield Store(_connect(uri), uri, artifacts)
            return
        with hold_lock(database.with_name(f"{database.name}.lock"), WAITING), _short_errors(uri):
            if database.exists():
                _follow_move(database)
            else:
                _create(database, artifacts)
            yield Store(_connect(uri), uri, artifacts)
    elif re.match("https?://", uri):
        name = hashlib.sha256(uri.encode()).hexdigest()[:16]
        lock = Path(tempfile.gettempdir()) / f"seq2seq-{os.getuid()}-{name}.lock"
        with hold_lock(lock, WAITING), _short_errors(uri):
            yield Store(_connect(uri), uri, None)
    else:
        raise UserError(
            f"MLFLOW_TRACKING_URI is {_without_password(uri)}; set it to http://HOST:PORT of an MLflow server "
            f"or to {SQLITE}PATH, or unset it to use the local store"
        )


def _connect(uri: str) -> Any:
    """Connect, and know within seconds whether the store is there."""
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient(uri, registry_uri=uri)
    before = {name: os.environ[name] for name in FIRST_CALL}
    os.environ.update(FIRST_CALL)
    try:
        client.search_experiments(max_results=1)
    except MlflowException as error:
        raise UserError(
            f"no MLflow store answers at {_without_password(uri)}: start its server, correct MLFLOW_TRACKING_URI, "
            f"or unset it to use the local store ({_shorten(error)})"
        ) from None
    finally:
        os.environ.update(before)
    return client


@contextmanager
def _short_errors(uri: str) -> Iterator[None]:
    """Say in one line what MLflow says in pages: that the disk is full, or the server gone."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, shutil.Error) as error:
        if re.search("disk is full|No space left on device", str(error)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), uri.removeprefix(SQLITE)) from error
        if "API request to" in str(error):  # how MLflow words a dead line, and an error of the server's own
            raise TransientError(
                f"the MLflow server at {_without_password(uri)} stopped answering; run the same command again "
                f"({_shorten(error)})"
            ) from error
        raise


def _without_password(text: str) -> str:
    return re.sub("//[^/@ ]*@", "//", text)


def _shorten(error: Exception) -> str:
    return textwrap.shorten(_without_password(str(error)), 200)


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
    with open_store() as store:
        print(store.uri)


if __name__ == "__main__":
    run(main)
