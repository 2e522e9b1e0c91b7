"""A share of requests also goes to another service, such as one that serves the challenger; no client sees its answers.

``python -m serving --model NAME@challenger --port 8081`` is the shadow, and ``python -m serving --shadow
http://127.0.0.1:8081`` asks it. What both answered stands in a table of JSON lines; ``python -m serving.shadow [FILE]``
sums it up.
"""

import argparse
import json
import logging
import queue
import random
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from serving.metrics import Metrics

log = logging.getLogger("serving")

PATH = "/translate"
TABLE = Path(".serving/shadow.jsonl")
MOST_WAITING = 32  # requests; what comes while so many wait is not compared
MOST_BYTES = 64 * 2**20  # of a table; then it becomes FILE.old, and another one is begun
MOST_EXAMPLES = 10  # of a request
SECONDS = 60.0  # that the shadow may take
SAME, DIFFERENT, FAILED, SKIPPED = "same", "different", "failed", "skipped"


@dataclass(frozen=True)
class Row:
    """What came of one request that both answered."""

    time: str  # UTC
    version: str  # NAME VERSION of what answered the client
    shadow: str  # of the shadow
    texts: int
    same: int  # texts with the same answer
    seconds: float  # that the client waited
    shadow_seconds: float
    examples: list[dict[str, str]]  # source, answer and shadow's answer of texts that they answered otherwise


@dataclass(frozen=True)
class _Exchange:
    """A request that was answered."""

    asked: bytes
    answered: bytes
    version: str
    seconds: float


class Shadow:
    """ASGI middleware that listens to requests, and asks the shadow behind the client's back."""

    def __init__(self, app: ASGIApp, url: str, share: float, table: Path, metrics: Metrics) -> None:
        self.app, self.url, self.share, self.table, self.metrics = app, url.rstrip("/"), share, table, metrics
        self.waiting: queue.Queue[_Exchange] = queue.Queue(MOST_WAITING)
        self._problem = ""
        threading.Thread(target=self._work, daemon=True).start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as always; what was drawn and answered waits for the shadow."""
        if scope["type"] != "http" or scope["path"] != PATH or random.random() >= self.share:
            await self.app(scope, receive, send)
            return
        asked, answered = bytearray(), bytearray()
        start: dict[str, Any] = {}

        async def overhear() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def forward(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            answered.extend(message.get("body", b""))
            await send(message)

        began = time.monotonic()
        await self.app(scope, overhear, forward)
        seconds = time.monotonic() - began
        if start.get("status") != 200:
            return
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        try:
            self.waiting.put_nowait(_Exchange(bytes(asked), bytes(answered), _version(headers), seconds))
        except queue.Full:
            self.metrics.shadow.labels(SKIPPED).inc()

    def _work(self) -> None:
        while True:
            exchange = self.waiting.get()
            try:
                self._compare(exchange)
            except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
                self.metrics.shadow.labels(FAILED).inc()
                problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
                if problem != self._problem:  # once, and not for each request
                    log.warning("the shadow does not answer", extra={"facts": {"url": self.url, "reason": problem}})
                self._problem = problem
            finally:
                self.waiting.task_done()

    def _compare(self, exchange: _Exchange) -> None:
        try:
            fields = json.loads(exchange.asked)
        except ValueError:  # a form
            self.metrics.shadow.labels(SKIPPED).inc()
            return
        fields.pop("api_key", None)  # is the client's, and for this service
        request = Request(f"{self.url}{PATH}", json.dumps(fields).encode(), {"Content-Type": "application/json"})
        began = time.monotonic()
        with urlopen(request, timeout=SECONDS) as response:
            told = response.read()
            version = _version({name.lower(): value for name, value in response.headers.items()})
        row = _row(fields, exchange, told, version, time.monotonic() - began)
        self.metrics.shadow.labels(SAME).inc(row.same)
        self.metrics.shadow.labels(DIFFERENT).inc(row.texts - row.same)
        _append(self.table, row)
        self._problem = ""


def _version(headers: Mapping[str, str]) -> str:
    return f"{headers.get('x-model', '?')} {headers.get('x-model-version', '')}".strip()


def _row(fields: dict[str, Any], exchange: _Exchange, told: bytes, shadow: str, seconds: float) -> Row:
    sources = _list(fields["q"])
    answers, others = (_list(json.loads(body)["translatedText"]) for body in (exchange.answered, told))
    compared = list(zip(sources, answers, others, strict=True))
    differ = [dict(zip(("source", "answer", "shadow"), one, strict=True)) for one in compared if one[1] != one[2]]
    return Row(
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        exchange.version,
        shadow,
        len(compared),
        len(compared) - len(differ),
        round(exchange.seconds, 4),
        round(seconds, 4),
        differ[:MOST_EXAMPLES],
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _append(table: Path, row: Row) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    if table.exists() and table.stat().st_size > MOST_BYTES:
        table.replace(table.with_name(f"{table.name}.old"))
    with table.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def summarise(rows: list[Row]) -> str:
    """What a table says of each pair of versions, and where they differed last."""
    lines = []
    ordered = sorted(rows, key=lambda row: (row.version, row.shadow))
    for (version, shadow), group in groupby(ordered, key=lambda row: (row.version, row.shadow)):
        found = list(group)
        texts, same = sum(row.texts for row in found), sum(row.same for row in found)
        took, other = (
            1000 * median(times) for times in zip(*((row.seconds, row.shadow_seconds) for row in found), strict=True)
        )
        lines.append(
            f"{version} and in its shadow {shadow}: {same:,} of {texts:,} texts answered alike "
            f"({same / max(texts, 1):.1%}); of {len(found):,} requests the median took {took:.0f} ms and {other:.0f} ms"
        )
        for example in [one for row in found for one in row.examples][-MOST_EXAMPLES:]:
            lines += ["", f"  {example['source']}", f"  - {example['answer']}", f"  + {example['shadow']}"]
    return "\n".join(lines)


def main() -> None:
    """Print the summary of a table."""
    parser = ArgumentParser(
        prog="python -m serving.shadow", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path, nargs="?", default=TABLE, metavar="FILE", help=f"{TABLE} by default")
    table: Path = parser.parse_args().table
    if not table.is_file():
        raise UserError(f"there is no table {table}; serve with --shadow URL, or name the file of --shadow-table")
    rows = [Row(**json.loads(line)) for line in table.read_text(encoding="utf-8").splitlines()]
    sys.stdout.write(summarise(rows) + "\n")


if __name__ == "__main__":
    run(main)
