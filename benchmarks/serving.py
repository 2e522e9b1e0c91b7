"""The service against its engine and a peer, side by side: ``python -m benchmarks.serving [BUNDLE] [CORPUS]``.

Serves a CTranslate2 bundle without its cache of sentences, sends it the sentences of the corpus's first test set, and
prints docs/serving.md's table. What is compared takes turns, round by round. The client takes its share of the
processor.
"""

import argparse
import itertools
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.http_load import Load, Route, closed_load, open_load
from benchmarks.services import NotRunningError, Releases, mlflow_service, our_service, rss_mb
from seq2seq.core.command_line import ArgumentParser
from seq2seq.core.errors import UserError
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.evaluation.held_out import read_test_sets
from seq2seq.inference.ctranslate2_engine import CTranslate2Engine
from seq2seq.inference.translator import Translator
from tasks.stage import run

CLIENTS = 32
SINGLES = 200  # requests of one client, one after another
OVERLOAD = 3  # times the capacity
OVERLOAD_SECONDS = 10.0
OVERLOAD_BUDGET = 2.0  # seconds that an accepted request may take then
PATIENT = ("--cache-bytes", "0", "--wait-seconds", "600")  # a whole file is one request, however slow the machine
SWAPS = 20
MIXED = 10_000  # requests
SETTLED = 500  # requests after which memory is read first


class Direct:
    """CTranslate2 called directly, with the settings of our engine."""

    def __init__(self, bundle: Path, decoding: DecodingParams, runtime: RuntimeParams) -> None:
        translator = Translator.load(bundle, runtime)
        if not isinstance(translator.engine, CTranslate2Engine):
            raise UserError(f"{bundle} is no bundle of CTranslate2; name an int8 one")
        self.tokenizer, self.model, self.decoding = translator.tokenizer, translator.engine.translator, decoding
        self.limit, self.languages = translator.limit, translator.manifest.languages
        self.ids = translator.engine.target_ids

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Tokenise, translate in batches, and put together again."""
        pieces = self.tokenizer.source_pieces
        encoded = self.tokenizer.encode_source(list(texts))
        found = self.model.translate_batch(
            [[pieces[piece] for piece in sentence] for sentence in encoded],
            max_batch_size=self.decoding.batch_size,
            beam_size=self.decoding.beam_size,
            patience=self.decoding.patience,
            length_penalty=self.decoding.length_penalty,
            max_decoding_length=self.decoding.max_length(max(map(len, encoded)), self.limit),
            max_input_length=0,
        )
        return self.tokenizer.decode_target([[self.ids[piece] for piece in one.hypotheses[0]] for one in found])


class Bench:
    """What all measurements use."""

    def __init__(self, bundle: Path, texts: list[str], rounds: int) -> None:
        """Take a bundle and the sentences to translate."""
        self.bundle, self.texts, self.rounds = bundle, texts, rounds
        self.decoding = load_section(PARAMS, "decoding", DecodingParams)
        self.runtime = load_section(PARAMS, "runtime", RuntimeParams)
        self.direct = Direct(bundle, self.decoding, self.runtime)

    def body(self, q: Any, **fields: Any) -> bytes:
        """A request of LibreTranslate's protocol."""
        pair = self.direct.languages
        return json.dumps({"q": q, "source": pair.source, "target": pair.target} | fields).encode()

    def singles(self) -> list[bytes]:
        """A request for each sentence."""
        return [self.body(text) for text in self.texts]


def timed(work: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def latencies(work: Callable[[str], Any], texts: Sequence[str]) -> float:
    """The median of ms, one text after another."""
    return 1000 * statistics.median(timed(lambda text=text: work(text)) for text in texts)  # type: ignore[misc]


def row(what: str, goal: str, ratios: Sequence[float], note: str) -> None:
    """A line of the table: the median round, and all of them."""
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"| {what} | {goal} | {statistics.median(ratios):.2f} | {spread} | {note} |", flush=True)


def compare_speed(bench: Bench, port: int) -> float:
    """Whole file, many clients and one client, against direct calls; return requests a second of many clients."""
    ours = Route(port, "/translate")
    whole, many, direct, added = [], [], [], []
    closed_load(ours, bench.singles()[:CLIENTS], CLIENTS)
    bench.direct.translate(bench.texts[:CLIENTS])
    for _ in range(bench.rounds):
        direct.append(len(bench.texts) / timed(lambda: bench.direct.translate(bench.texts)))
        whole.append(len(bench.texts) * checked(closed_load(ours, [bench.body(bench.texts)], 1)).per_second)
        many.append(checked(closed_load(ours, bench.singles(), CLIENTS)).per_second)
        some = bench.texts[:SINGLES]
        called = latencies(lambda text: bench.direct.translate([text]), some)
        added.append(checked(closed_load(ours, bench.singles()[:SINGLES], 1)).percentile(50) - called)
    note = f"{statistics.median(whole):,.0f} against {statistics.median(direct):,.0f} sentences/s"
    row("whole file over HTTP / CTranslate2 called directly", ">= 0.95", divide(whole, direct), note)
    note = f"{statistics.median(many):,.0f} requests/s"
    row(f"{CLIENTS} clients of one sentence each / whole file", ">= 0.85", divide(many, whole), note)
    row("one client: ms added at the median", "<= 2", added, f"to {called:.1f} ms")
    return statistics.median(many)


def divide(numbers: Sequence[float], by: Sequence[float]) -> list[float]:
    """Round by round."""
    return [one / other for one, other in zip(numbers, by, strict=True)]


def checked(load: Load) -> Load:
    """A load without refusals: others measure nothing."""
    if set(load.statuses) != {200}:
        raise UserError(f"the service answered with {dict(load.statuses)}; its log tells why")
    return load


def compare_mlflow(bench: Bench, port: int, folder: Path) -> None:
    """Many clients, against ``mlflow models serve``."""
    bodies = [json.dumps({"dataframe_records": [{"source": text}]}).encode() for text in bench.texts]
    with mlflow_service(bench.bundle, bench.decoding, bench.runtime, folder) as other:
        rates: dict[int, list[float]] = {port: [], other: []}
        for one in rates:
            closed_load(Route(one, "/invocations"), bodies[:CLIENTS], CLIENTS)
        for one in [*rates] * bench.rounds:
            rates[one].append(checked(closed_load(Route(one, "/invocations"), bodies, CLIENTS)).per_second)
    note = f"{statistics.median(rates[port]):,.0f} against {statistics.median(rates[other]):,.0f} requests/s"
    row(f"{CLIENTS} clients / `mlflow models serve`", ">= 5", divide(rates[port], rates[other]), note)


def overload(bench: Bench, capacity: float, folder: Path) -> None:
    """Three times what it can: what is accepted is quick, the rest is refused, and then all is well again."""
    options = ("--bundle", str(bench.bundle), "--cache-bytes", "0", "--wait-seconds", str(OVERLOAD_BUDGET))
    with our_service(*options, folder=folder) as (port, _):
        route = Route(port, "/translate")
        closed_load(route, bench.singles()[:SINGLES], CLIENTS)  # it learns how fast it is
        load, recovered = open_load(route, bench.singles(), OVERLOAD * capacity, OVERLOAD_SECONDS)
    total = sum(load.statuses.values())
    shares = ", ".join(f"{status or 'broken'}: {100 * count / total:.0f} %" for status, count in load.statuses.items())
    row(
        f"{OVERLOAD} times the capacity: p95 of what is accepted, s",
        f"<= {OVERLOAD_BUDGET:g}",
        [load.percentile(95) / 1000],
        shares,
    )
    row("seconds to recover then", "< 5", [recovered], f"{load.per_second:,.0f} answered a second")


def swap_under_load(bench: Bench, folder: Path) -> None:
    """Twenty swaps while clients ask: p99 with and without them, mixed or lost answers, and memory."""
    releases = Releases(bench.bundle, bench.decoding, bench.runtime, folder)
    options = ("--model", releases.NAME, "--poll-seconds", "0.5", "--cache-bytes", "100000")
    lists = [bench.body(bench.texts[start : start + 20]) for start in range(0, len(bench.texts) - 20, 20)]
    mixed = [lists[row // 10 % len(lists)] if row % 10 == 0 else body for row, body in enumerate(bench.singles())]
    bodies = list(itertools.islice(itertools.cycle(mixed), MIXED))
    with our_service(*options, folder=folder) as (port, process):
        route = Route(port, "/translate")
        closed_load(route, bodies[:SETTLED], CLIENTS)
        before = rss_mb(process)
        half = (MIXED - SETTLED) // 2
        without = checked(closed_load(route, bodies[:half], CLIENTS))
        stop = threading.Event()
        swaps = 0

        def move() -> None:
            nonlocal swaps
            while swaps < SWAPS:
                releases.swap()
                swaps += 1
                if stop.wait(without.seconds / SWAPS):
                    return

        moving = threading.Thread(target=move)
        moving.start()
        during = checked(closed_load(route, bodies[half : 2 * half], CLIENTS))
        stop.set()
        moving.join()
        time.sleep(1)
        after = rss_mb(process)
    ratio = during.percentile(99) / without.percentile(99)
    seen = " and ".join(f"{count:,} of version {version}" for version, count in sorted(during.versions.items()))
    row(f"p99 during {swaps} swaps / without", "<= 2", [ratio], f"{during.percentile(99):.0f} ms; {seen}")
    row("memory after all of it / after the first requests", "<= 1.05", [after / before], f"{after:,.0f} MB")


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("bundle", nargs="?", type=Path, default=Path("models/int8"), help="an int8 bundle")
    parser.add_argument("corpus", nargs="?", type=Path, default=Path("data/clean"), help="whose test set is sent")
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments: argparse.Namespace = parser.parse_args()
    bundle = arguments.bundle.resolve()
    name, test = next(iter(read_test_sets(arguments.corpus).items()))
    bench = Bench(bundle, test["source"].tolist()[: arguments.sentences], arguments.rounds)
    print(f"{len(bench.texts):,} sentences of {name}; {bench.rounds} rounds; {bench.runtime.threads} threads\n")
    print("| what | goal | median | rounds | |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copy(PARAMS, folder)
        with our_service("--bundle", str(bundle), *PATIENT, folder=folder) as (port, _):
            capacity = compare_speed(bench, port)
            try:
                compare_mlflow(bench, port, folder)
            except NotRunningError as error:
                print(f"mlflow models serve does not run: {error}")
        overload(bench, capacity, folder)
        swap_under_load(bench, folder)


if __name__ == "__main__":
    run(main)
