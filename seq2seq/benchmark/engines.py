"""Time engines against each other: the same sentences, the same search, the same threads, in turns.

Each engine has a process of its own, freshly started, so that its peak of memory is its own. The engines
take turns, round by round, so that a machine that slows down or speeds up affects them all alike.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.benchmark import worker
from seq2seq.benchmark.worker import MEGABYTE
from seq2seq.bundles.manifest import TOKENIZER, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.core.progress import Progress
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams

# Seconds between turns: OpenMP's threads spin for 0.2 s after their work and slow down the next engine
PAUSE = 0.3


@dataclass(frozen=True)
class Timed:
    """A bundle, and how it searches while it is timed."""

    bundle: Path
    decoding: DecodingParams


def time_bundles(
    engines: Mapping[str, Timed], texts: list[str], rounds: int, runtime: RuntimeParams
) -> dict[str, dict[str, float]]:
    """Let each bundle translate ``texts`` once per round, in the order given.

    Returns:
        For each name: ``sentences_per_second`` of the median round, ``slowest`` and ``fastest`` of all rounds;
        ``latency_ms`` and ``latency_p95_ms``, what a single sentence takes at the median and at the 95th percentile,
        and the medians of the rounds with the longest and the shortest, ``latency_slowest_ms`` and
        ``latency_fastest_ms``;
        ``start_seconds`` from the start of a process to its first output; ``size_mb`` of the bundle without its
        tokenizer; and ``peak_rss_mb``, the most memory that the process held, Python and libraries included. MB are
        10**6 bytes.

    Raises:
        UserError: there is nothing to translate, or a bundle can't be loaded.
    """
    if not texts:
        raise UserError("there are no sentences to time the engines with; see reports/cleaning.json")
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in engines}
    with ExitStack() as stack, Progress("timing", rounds * len(engines), "turns") as progress:
        running = {}
        starts = {}
        for name, timed in engines.items():  # one after another, so that none waits for a core while it starts
            job = {
                "bundle": str(timed.bundle),
                "texts": texts,
                "decoding": timed.decoding.model_dump(mode="json"),
                "runtime": runtime.model_dump(mode="json"),
            }
            started = time.perf_counter()
            running[name] = stack.enter_context(_Engine())
            running[name].ask(json.dumps(job))
            starts[name] = time.perf_counter() - started
            running[name].read()
        for _ in range(rounds):
            for name, engine in running.items():
                time.sleep(PAUSE)
                answers[name].append(engine.ask("turn"))
                progress.add(1, name)
    return {name: _summary(engines[name].bundle, starts[name], answers[name], len(texts)) for name in engines}


def _summary(bundle: Path, start: float, answers: list[dict[str, Any]], sentences: int) -> dict[str, float]:
    speeds = [sentences / answer["seconds"] for answer in answers]
    latencies = [latency for answer in answers for latency in answer["latencies_ms"]]
    medians = [statistics.median(answer["latencies_ms"]) for answer in answers]
    parts = [name for name in read_manifest(bundle).files if not name.startswith(f"{TOKENIZER}/")]
    size = sum((bundle / name).stat().st_size for name in parts)
    return {
        "sentences_per_second": round(statistics.median(speeds), 2),
        "slowest": round(min(speeds), 2),
        "fastest": round(max(speeds), 2),
        "latency_ms": round(float(np.median(latencies)), 2),
        "latency_p95_ms": round(float(np.percentile(latencies, 95)), 2),
        "latency_slowest_ms": round(max(medians), 2),
        "latency_fastest_ms": round(min(medians), 2),
        "start_seconds": round(start, 2),
        "size_mb": round(size / MEGABYTE, 3),
        "peak_rss_mb": round(answers[-1]["peak_rss_mb"], 1),
    }


class _Engine:
    """The near end of a worker process; closing it ends the process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", worker.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def ask(self, line: str) -> dict[str, Any]:
        """Send one line and wait for the answer."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # its last words, if any, are still to be read
            print(line, file=self.process.stdin, flush=True)
        return self.read()

    def read(self) -> dict[str, Any]:
        """Wait for the next answer."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(f"an engine's process ended with status {self.process.wait()}; its message is above")
        answer: dict[str, Any] = json.loads(text)
        if "error" in answer:
            raise UserError(answer["error"])
        return answer

    def __enter__(self) -> "_Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
