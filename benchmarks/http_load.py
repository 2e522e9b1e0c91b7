"""Load for an HTTP service, by a client so thin that the server keeps the processor."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Load:
    """What a load met."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # seconds, of answers of status 200
    statuses: Counter[int] = field(default_factory=Counter)  # 0 stands for a broken connection
    versions: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Requests answered with 200 in a second."""
        return self.statuses[200] / self.seconds

    def percentile(self, percent: float) -> float:
        """Latency in ms."""
        return 1000 * float(np.percentile(self.latencies, percent)) if self.latencies else float("nan")


@dataclass(frozen=True)
class Route:
    """Where requests go."""

    port: int
    path: str

    def request(self, body: bytes) -> bytes:
        """A whole request."""
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    """One connection, kept from request to request."""

    def __init__(self, route: Route, load: Load) -> None:
        self.route, self.load = route, load
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, body: bytes, began: float | None = None) -> bytes:
        """Send a request and note its answer, timed from ``began``, by default from now."""
        began = time.perf_counter() if began is None else began
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self.route.port)
            reader, writer = self._streams
            writer.write(self.route.request(body))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            answer = await reader.readexactly(int(fields["content-length"]))
        except (OSError, EOFError):
            self.load.statuses[0] += 1
            self.close()
            return b""
        status = int(head.split(" ", 2)[1])
        self.load.statuses[status] += 1
        if status == 200:
            self.load.latencies.append(time.perf_counter() - began)
            self.load.versions[fields.get("x-model-version", "")] += 1
        if fields.get("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        """End it; another request opens it again."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def closed_load(route: Route, bodies: Sequence[bytes], clients: int) -> Load:
    """Clients that each send their next request when the last is answered, until all ``bodies`` are sent."""

    async def main() -> Load:
        load = Load()
        rest = iter(bodies)

        async def client() -> None:
            connection = Connection(route, load)
            for body in rest:
                await connection.ask(body)
            connection.close()

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        load.seconds = time.perf_counter() - began
        return load

    return asyncio.run(main())


def open_load(route: Route, bodies: Sequence[bytes], rate: float, seconds: float) -> tuple[Load, float]:
    """Requests that come at random moments, ``rate`` a second on average, whether the last ones are answered or not.

    Returns:
        What they met, timed from the moment when each was due; and for how many seconds after the last one came a
        request still took more than a second, or was refused.
    """
    gaps = np.random.default_rng(1).exponential(1 / rate, size=round(rate * seconds))

    async def main() -> tuple[Load, float]:
        load = Load()
        free: list[Connection] = []

        async def request(body: bytes, due: float) -> None:
            connection = free.pop() if free else Connection(route, load)
            await connection.ask(body, due)
            free.append(connection)

        began = time.perf_counter()
        tasks = []
        for due, body in zip(began + np.cumsum(gaps), itertools.cycle(bodies), strict=False):
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            tasks.append(asyncio.create_task(request(body, float(due))))
        load.seconds = time.perf_counter() - began
        recovered = await _until_quick(route, bodies[0])
        await asyncio.gather(*tasks)
        return load, recovered

    return asyncio.run(main())


async def _until_quick(route: Route, body: bytes) -> float:
    """Seconds until a request is answered within a second."""
    began = time.perf_counter()
    while True:
        load = Load()
        connection = Connection(route, load)
        await connection.ask(body)
        connection.close()
        if load.latencies and load.latencies[0] < 1:
            return time.perf_counter() - began - load.latencies[0]
        await asyncio.sleep(0.1)
