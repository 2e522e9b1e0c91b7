"""What people deleted from a store since it was recorded: a version may outlive its run, its files, or its model.

MLflow's pages delete a run and keep the version that was made of it; ``mlflow gc`` then removes the run's files.
"""

import re
from pathlib import Path
from typing import Any

from seq2seq.core.errors import UserError

_NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
_NO_SUCH_FILE = re.compile(r"No such (?:artifact|file)|\b404\b|NoSuchKey")


class DeletedError(UserError):
    """A part of a version's record was deleted from the store. The message says which."""


def fetch_artifact(client: Any, version: Any, path: str, folder: str) -> Path:
    """Copy a file of the run that a version was made of into a folder; return its place there.

    Raises:
        DeletedError: the run or the file is gone, or there never was one.
    """
    from mlflow.exceptions import MlflowException
    from requests import HTTPError

    if not version.run_id:
        raise DeletedError(f"it was registered without a run, so there is no {path}")
    try:
        return Path(client.download_artifacts(version.run_id, path, folder))
    except (MlflowException, HTTPError, FileNotFoundError) as error:
        if getattr(error, "error_code", "") == _NOT_FOUND or _NO_SUCH_FILE.search(str(error)):
            what = missing_part(client, version) or f"{path} is gone from its run {version.run_id}"
            raise DeletedError(what) from None
        raise


def missing_part(client: Any, version: Any) -> str:
    """What is gone of a version's record, in words; empty where its run and its model are there."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_run(version.run_id)
    except MlflowException as error:
        if error.error_code != _NOT_FOUND:
            raise
        return f"its run {version.run_id} was deleted from MLflow"
    if not client.list_artifacts(version.run_id):
        return f"the files of its run {version.run_id} are gone from MLflow"
    return "" if has_model(client, version) else "the files of its model are gone from MLflow"


def has_model(client: Any, version: Any) -> bool:
    """Whether the files that a version answers with are still there."""
    from mlflow.artifacts import list_artifacts
    from mlflow.exceptions import MlflowException

    try:
        uri = client.get_model_version_download_uri(version.name, version.version)
        return bool(list_artifacts(uri, tracking_uri=client.tracking_uri))
    except MlflowException as error:
        if error.error_code != _NOT_FOUND:
            raise
        return False
