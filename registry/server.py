"""An MLflow server: who we are to it, what its refusals mean, and whether we may register there.

Comes in: the address that MLFLOW_TRACKING_URI holds, and what MLflow's client raises. Goes out: an address without a
password, and errors in a line each. A server that is away may be back in a minute; one that refuses will refuse again.
"""

import os
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.redaction import redact

ADDRESS, USER, PASSWORD, TOKEN = (f"MLFLOW_TRACKING_{name}" for name in ("URI", "USERNAME", "PASSWORD", "TOKEN"))
_CREDENTIALS = re.compile(r"(https?://)([^/@:]*):(.*)@([^@]*)", re.DOTALL)  # a password may hold each of / @ : as it is
_STATUS = re.compile(r"failed with error code (\d{3})|\b(\d{3}) (?:Client|Server) Error")
_OF_NAMES = {  # where MLflow's own words hold no status
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "CUSTOMER_UNAUTHORIZED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "TEMPORARILY_UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
}
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
NO_ANSWER = 0  # in place of a status


@contextmanager
def without_credentials(uri: str) -> Iterator[str]:
    """Yield the address of a server without user and password, which MLflow finds in the environment meanwhile.

    MLflow prints and keeps the address that it is given.
    """
    before = {name: os.environ.get(name) for name in (ADDRESS, USER, PASSWORD)}
    if found := _CREDENTIALS.fullmatch(uri):
        scheme, user, password, rest = found.groups()
        uri = scheme + rest
        os.environ.update({ADDRESS: uri, USER: unquote(user), PASSWORD: unquote(password)})
    try:
        yield uri
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def shorten(error: Exception) -> str:
    """What an error says in at most 200 characters, without passwords."""
    return textwrap.shorten(redact(str(error)), 200)


@contextmanager
def told_of(address: str) -> Iterator[None]:
    """Say in one line what MLflow's client says in pages of a server that refuses or is away.

    Raises:
        UserError: it refuses.
        TransientError: it stopped answering, or has a fault.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    try:
        yield
    except (MlflowException, RequestException) as error:
        status = status_of(error)
        if status is None:
            raise
        if not may_pass(status):
            raise UserError(refusal(status, address, error)) from None
        raise TransientError(
            f"the MLflow server at {redact(address)} stopped answering; run the same command again ({shorten(error)})"
        ) from error


def status_of(error: Exception) -> int | None:
    """The status by which a server refused, or NO_ANSWER; none where the error isn't about the line to a server."""
    from requests import RequestException

    if isinstance(error, RequestException):
        return NO_ANSWER if error.response is None else int(error.response.status_code)
    text = str(error)
    if said := _STATUS.search(text):
        return int(said[1] or said[2])
    if "was not in a valid JSON format" in text:
        return HTTPStatus.OK
    if "API request to" in text:  # how MLflow words a dead line
        return NO_ANSWER
    return _OF_NAMES.get(getattr(error, "error_code", ""))


def may_pass(status: int) -> bool:
    """Whether what a status tells of may be gone in a minute."""
    return status == NO_ANSWER or status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def refusal(status: int, address: str, error: Exception) -> str:
    """What a server refused, and how to mend it."""
    server = f"the MLflow server at {redact(address)}"
    if status == HTTPStatus.UNAUTHORIZED:
        return (
            f"{server} doesn't let {_who()} in; set {USER} and {PASSWORD}, or {TOKEN}, to what it knows "
            f"(status {status})"
        )
    if status == HTTPStatus.FORBIDDEN:
        return (
            f"{_who()} may not do this on {server}; ask whoever runs it for the right to create and edit experiments "
            f"and models ({shorten(error)})"
        )
    return f"what answers at {redact(address)} refuses what MLflow asks; correct {ADDRESS} ({shorten(error)})"


def _who() -> str:
    from mlflow.utils.credentials import read_mlflow_creds

    if user := read_mlflow_creds().username:
        return f"the user '{user}'"
    return f"the owner of {TOKEN}" if os.environ.get(TOKEN) else "a user without a name"


def check_rights(client: Any, name: str, address: str) -> None:
    """Check that this user may record a run and a version of the model ``name``, and leave no trace on the server.

    Each question is a request that lacks what it needs. A server looks first at who asks: it answers that the request
    is forbidden, or else that it is invalid.

    Raises:
        UserError: the user may not.
    """
    from mlflow.exceptions import MlflowException

    for right, ask in _questions(client, name).items():
        try:
            ask()
        except MlflowException as error:
            if status_of(error) == HTTPStatus.FORBIDDEN:
                raise UserError(
                    f"{_who()} may not {right} on the MLflow server at {redact(address)}; ask whoever runs it for "
                    "that right, or set MLFLOW_TRACKING_URI to another place"
                ) from None
            if status_of(error) is not None:
                raise


def _questions(client: Any, name: str) -> dict[str, Callable[[], object]]:
    from mlflow.exceptions import MlflowException

    questions: dict[str, Callable[[], object]] = {}
    if experiment := client.get_experiment_by_name(name):
        identity = experiment.experiment_id
        questions[f"write to the experiment '{name}'"] = lambda: client.set_experiment_tag(identity, "", "")
    else:
        questions["create experiments"] = lambda: client.create_experiment("")
    try:
        client.get_registered_model(name)
        questions[f"write to the model '{name}'"] = lambda: client.set_registered_model_tag(name, "", "")
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        questions["create models"] = lambda: client.create_registered_model("")
    return questions
