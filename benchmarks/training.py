"""Training speed, ours and the peers' side by side: ``python -m benchmarks.training [RUN_FOLDER]``.

The run's folder (the checkout itself, or one in runs/) gives cleaned pairs and a joint tokenizer. All engines train
presets/transformer-tiny.yaml on the same pieces, in turns, each in a process of its own, the peers in environments of
their own, which are made in .work/benchmarks; docs/benchmarks.md says more.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.engines.job import Job
from benchmarks.environments import InstallationError, prepare_environment
from benchmarks.training_jobs import describe, make_job, unsorted
from seq2seq.core.errors import UserError
from tasks.stage import WORK, run

PEERS = ("ours-post", "joeynmt", "joeynmt-unsorted", "marian", "marian-unsorted", "eole")  # ENGINE-VARIANT
OURS, LIMIT = "ours", "matrix_products"
PAUSE = 0.3  # seconds between turns: OpenMP's threads spin after their work and slow down the next engine


class EngineError(Exception):
    """An engine's process ended; the message is the last line that it wrote."""


@dataclass(frozen=True)
class Found:
    """What one engine did."""

    speeds: list[float]  # real target tokens per second, turn by turn
    tokens: float  # real target tokens of an update
    validation_loss: float | None  # nats per target token, after the same updates; None for bare products
    weights: int | None


class Engine:
    """The near end of an engine's process; closing it ends the process."""

    def __init__(self, name: str, python: Path, job: Job, work: Path) -> None:
        self.name = name
        self.job = job
        self.log = work / f"{name}.log"
        self.seconds: list[float] = []
        job.write(work / f"{name}.json")
        threads = {"OMP_NUM_THREADS": str(job.runtime["threads"])}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, "-m", f"benchmarks.engines.{name.partition('-')[0]}", work / f"{name}.json"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                env=os.environ | threads | {"HF_HUB_OFFLINE": "1"},
            )

    def ask(self, line: str) -> dict[str, Any]:
        """Send one line, wait for the answer, and let its threads come to rest.

        Raises:
            EngineError: the process has ended.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            print(line, file=self.process.stdin, flush=True)
            text = self.process.stdout.readline()
        except BrokenPipeError:
            text = ""
        if not text:
            self.process.wait()
            lines = self.log.read_text(errors="replace").split("\n")
            raise EngineError(f"{next(filter(str.strip, reversed(lines)), 'no word why')} (more in {self.log})")
        time.sleep(PAUSE)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def compare(pythons: Mapping[str, Path], job: Job, work: Path) -> dict[str, Found]:
    """Let the engines train, turn by turn, and return what each of those that can did."""
    jobs = {
        "": job,
        "post": replace(job, model=job.model | {"norm": "post"}),  # as Marian has it
        "unsorted": replace(job, train=unsorted(job.train)),  # what Joey NMT and Hugging Face's Trainer make themselves
    }
    with ExitStack() as stack:
        engines: list[Engine] = []
        for name, python in pythons.items():
            print(f"{name}: {job.warmup} updates to warm up", flush=True)
            engine = stack.enter_context(Engine(name, python, jobs[name.partition("-")[2]], work))
            if _turn(engine, "start") is not None:
                engines.append(engine)
        for turn in range(1, job.turns + 1):
            for engine in list(engines):
                if (answer := _turn(engine, "go on")) is None:
                    engines.remove(engine)
                else:
                    engine.seconds.append(answer["seconds"])
                    print(f"round {turn}: {engine.name}: {answer['seconds']:.1f} s", flush=True)
        ends = {engine: _turn(engine, "end") for engine in engines}
        return {engine.name: _found(engine, end) for engine, end in ends.items() if end is not None}


def _turn(engine: Engine, line: str) -> dict[str, Any] | None:
    try:
        return engine.ask(line)
    except EngineError as error:
        print(f"{engine.name} can't train here: {error}", flush=True)
        return None


def _found(engine: Engine, end: dict[str, Any]) -> Found:
    job = engine.job
    speeds = [tokens / seconds for tokens, seconds in zip(tokens_of_turns(job), engine.seconds, strict=True)]
    return Found(speeds, describe(job.train)["tokens"], end.get("validation_loss"), end.get("weights"))


def tokens_of_turns(job: Job) -> list[int]:
    """Real target tokens of each turn."""
    counts = [job.train.target_tokens(batch) for batch in job.train.batches[job.warmup :]]
    return [sum(counts[turn * job.updates : (turn + 1) * job.updates]) for turn in range(job.turns)]


def table(found: Mapping[str, Found]) -> list[str]:
    """Lines of Markdown: each engine's speed, how many times as fast ours is, and its validation loss."""
    lines = [
        "| engine | target tokens/s | our speed to its | tokens per update | weights | validation loss | to ours |"
    ]
    lines.append("|---|---|---|---|---|---|---|")
    ours = found[OURS]
    for name, one in found.items():
        ratios = [mine / theirs for mine, theirs in zip(ours.speeds, one.speeds, strict=True)]
        cells = [name, spread(one.speeds, 0), spread(ratios, 2), f"{one.tokens:,.0f}", "", "", ""]
        if one.validation_loss is not None and ours.validation_loss is not None:
            difference = one.validation_loss / ours.validation_loss - 1
            cells[4:] = [f"{one.weights:,}", f"{one.validation_loss:.3f}", f"{difference:+.1%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def spread(values: Sequence[float], digits: int) -> str:
    """Median, least and greatest."""
    numbers = statistics.median(values), min(values), max(values)
    middle, least, greatest = (f"{number:,.{digits}f}" for number in numbers)
    return f"{middle} ({least} to {greatest})"


def main() -> None:
    """Compare the engines, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--updates", type=int, default=200, help="of each engine in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=",".join(PEERS), help="some of the default, %(default)s")
    arguments = parser.parse_args()
    peers = list(filter(None, arguments.peers.split(",")))
    if unknown := set(peers) - set(PEERS):
        raise UserError(f"--peers: there is no {', '.join(sorted(unknown))}; known: {', '.join(PEERS)}")
    if min(arguments.updates, arguments.rounds) < 1:
        raise UserError("--updates and --rounds must be at least 1")
    work = WORK / "benchmarks"
    work.mkdir(parents=True, exist_ok=True)
    job = make_job(arguments.folder, arguments.updates, arguments.rounds)
    pythons = {OURS: Path(sys.executable)}
    for peer in peers:
        try:
            engine = peer.partition("-")[0]
            pythons[peer] = pythons[OURS] if engine == OURS else prepare_environment(engine, work)
        except InstallationError as error:
            print(f"{peer} can't be installed here: {error}", flush=True)
    found = compare(pythons | {LIMIT: Path(sys.executable)}, job, work)
    if OURS not in found:
        raise UserError("there is nothing to compare with; see above")
    print(f"{len(job.train.src):,} pairs, {job.vocabulary:,} pieces, {job.runtime['threads']} threads;", end=" ")
    print(f"{job.total_updates:,} updates, {job.turns} times {job.updates} of them timed: median (range)")
    for name, pairs in (("sorted", job.train), ("unsorted", unsorted(job.train))):
        print(f"{1 - describe(pairs)['real']:.0%} of the {name} batches is padding")
    print("\n".join(table(found)))


if __name__ == "__main__":
    run(main)
