"""MLflow's scoring protocol, https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/."""

import csv
import io
import json
from importlib import metadata
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from serving.protocol import Desk, Refusal, headers_of

PATH = "/invocations"
COLUMN, OUTPUT = "source", "target"
FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")


def routes(desk: Desk) -> APIRouter:
    """The routes of this protocol."""
    router = APIRouter(tags=["MLflow"])

    @router.post(PATH, openapi_extra=_BODY, summary="Translate the column source")
    async def invocations(request: Request) -> JSONResponse:
        texts = read_texts(request.headers.get("content-type", ""), await desk.read(request))
        desk.check_texts(texts)
        desk.check_key(request, None, sum(map(len, texts)))
        model = desk.models.first()
        outputs = await desk.translate(request, model, texts)
        return JSONResponse({"predictions": [{OUTPUT: text} for text in outputs]}, headers=headers_of(model))

    @router.get("/ping", summary="Whether it answers")
    async def ping() -> PlainTextResponse:
        return PlainTextResponse("\n")

    @router.get("/version", summary="The version of MLflow whose protocol this is")
    async def version() -> PlainTextResponse:
        for package in ("mlflow", "mlflow-skinny"):
            try:
                return PlainTextResponse(metadata.version(package))
            except metadata.PackageNotFoundError:
                continue
        return PlainTextResponse("none")

    return router


def read_texts(kind: str, body: bytes) -> list[str]:
    """The texts of a request; a missing one counts as empty, as the registered model takes it.

    Raises:
        Refusal: they can't be found.
    """
    kind = kind.partition(";")[0].strip().lower()
    try:
        if kind == "text/csv":
            return _from_csv(body.decode())
        if kind != "application/json":
            raise Refusal(415, f"content type {kind!r} is not supported; send application/json or text/csv", "format")
        value = json.loads(body)
    except UnicodeDecodeError:
        raise Refusal(400, "the body is not UTF-8", "encoding") from None
    except csv.Error as error:
        raise Refusal(400, f"the body is no CSV: {error}", "csv") from None
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON", "json") from None
    given = [name for name in FORMATS if isinstance(value, dict) and name in value]
    if len(given) != 1:
        raise Refusal(400, f"the body must be a JSON object with exactly one of {', '.join(FORMATS)}", "json")
    read = {"dataframe_split": _from_split, "dataframe_records": _from_records}.get(given[0], _from_inputs)
    texts = read(value[given[0]])
    if not all(isinstance(text, str) for text in texts):
        raise Refusal(400, f"the values of '{COLUMN}' are no texts", "type")
    return texts


def _from_csv(text: str) -> list[str]:
    rows = list(csv.DictReader(io.StringIO(text)))
    if rows and COLUMN not in rows[0]:
        raise _lacks_column(list(rows[0]))
    return [row[COLUMN] or "" for row in rows]


def _lacks_column(columns: list[Any]) -> Refusal:
    return Refusal(400, f"there is no column '{COLUMN}' among {', '.join(map(str, columns)) or 'none'}", "column")


def _from_split(value: Any) -> list[Any]:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise Refusal(400, "dataframe_split needs columns and data", "json")
    columns = value.get("columns")
    if not isinstance(columns, list) or COLUMN not in columns:
        raise _lacks_column(columns if isinstance(columns, list) else [])
    place = columns.index(COLUMN)
    if not all(isinstance(row, list) and len(row) == len(columns) for row in value["data"]):
        raise Refusal(400, f"each row of dataframe_split's data needs {len(columns)} values", "json")
    return [row[place] if row[place] is not None else "" for row in value["data"]]


def _from_records(value: Any) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Refusal(400, "dataframe_records needs a list of objects", "json")
    for row in value:
        if COLUMN not in row:
            raise _lacks_column(list(row))
    return [row[COLUMN] if row[COLUMN] is not None else "" for row in value]


def _from_inputs(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if COLUMN not in value:
            raise _lacks_column(list(value))
        value = value[COLUMN]
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise Refusal(400, "inputs needs a text, a list of texts, or an object with a list 'source'", "json")
    if value and all(isinstance(row, dict) for row in value):
        return _from_records(value)
    return [one[0] if isinstance(one, list) and len(one) == 1 else one for one in value]


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "example": {"dataframe_split": {"columns": [COLUMN], "data": [["Good morning."]]}},
                }
            },
            "text/csv": {"schema": {"type": "string", "example": f"{COLUMN}\nGood morning.\n"}},
        },
    }
}
