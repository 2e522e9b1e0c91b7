"""MLflow's tables, made once for all tests of a process: its migrations take seconds for each new database."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

_made: list[Path] = []


@pytest.fixture(scope="session", autouse=True)
def migrated_once(tmp_path_factory):
    """A new database in SQLite is a copy of the first one."""
    from mlflow.store.db import utils

    make = utils._initialize_tables

    def copy_or_make(engine):
        if engine.dialect.name != "sqlite":
            make(engine)
        elif _made:
            copy_tables(Path(engine.url.database))
        else:
            make(engine)
            first = tmp_path_factory.mktemp("migrated") / "mlflow.db"
            with closing(sqlite3.connect(engine.url.database)) as source, closing(sqlite3.connect(first)) as target:
                source.backup(target)
            _made.append(first)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "_initialize_tables", copy_or_make)
        yield
    _made.clear()


def copy_tables(database: Path) -> None:
    """Write an empty database, if one was made before, for a server that is to start on it."""
    if _made:
        with closing(sqlite3.connect(_made[0])) as source, closing(sqlite3.connect(database)) as target:
            source.backup(target)
