"""Speed and memory of cleaning: ``python -m benchmarks.cleaning [PAIRS]... [--rounds 3]`` (1 and 3 million).

The stage's whole work in one process and in two, on pairs made of random words, beside OpusFilter's step ``filter``
with two jobs and the rules that both have: longest line, ratio of lengths, longest word. Ours also reads and writes
Parquet, normalises, looks for duplicates and takes held-out sets. Each run is a process of its own; in a round all take
turns.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.environments import InstallationError, prepare_environment
from benchmarks.memory import make_frames
from seq2seq.benchmark.worker import MEGABYTE, peak_memory_mb
from seq2seq.cleaning.params import CleaningParams
from seq2seq.cleaning.prepare import prepare
from seq2seq.core.files import write_json
from seq2seq.core.params import load_section
from seq2seq.text.corpus import TRAIN, read_partitions, write_corpus
from seq2seq.text.languages import LanguagesParams
from tasks.stage import run

PARAMS = Path("params.yaml")
SIZES = (1_000_000, 3_000_000)
WORKERS = (1, 2)
PEER = "opusfilter"
WORK = Path(".work", "benchmarks")
Measured = dict[str, float]  # seconds; MB of the process, and of the largest that it started


class PeerError(Exception):
    """OpusFilter can't filter here."""


def clean(folder: Path, workers: int) -> None:
    """Clean ``folder/raw`` in this process and ``workers`` others, and print what it took as JSON."""
    changes = {"workers": workers, "check_languages": False}  # random words are in no language
    params = load_section(PARAMS, "cleaning", CleaningParams).model_copy(update=changes)
    languages = load_section(PARAMS, "languages", LanguagesParams)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        began = time.perf_counter()
        prepare(folder / "raw", Path(out, "clean"), params, languages)
        seconds = time.perf_counter() - began
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / MEGABYTE
    print(json.dumps({"seconds": seconds, "mb": peak_memory_mb(), "largest_mb": largest}))


def measure(folder: Path, workers: int) -> Measured:
    """What :func:`clean` takes in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cleaning", "--clean", str(folder), "--workers", str(workers)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured: Measured = json.loads(found.stdout.splitlines()[-1])
    return measured


def measure_peer(folder: Path, python: Path) -> Measured:
    """Seconds of OpusFilter's step ``filter`` with two jobs.

    Raises:
        PeerError: it fails; the message is the last line that it wrote.
    """
    params = load_section(PARAMS, "cleaning", CleaningParams)
    filters = [
        {"LengthFilter": {"max_length": params.max_words}},
        {"LengthRatioFilter": {"threshold": params.max_length_ratio}},
        {"LongWordFilter": {"threshold": params.max_word_characters}},
    ]
    step = {"inputs": ["source", "target"], "outputs": ["kept.source", "kept.target"], "filters": filters, "n_jobs": 2}
    config = {"common": {"output_directory": str(folder)}, "steps": [{"type": "filter", "parameters": step}]}
    write_json(folder / "opusfilter.yaml", config)
    began = time.perf_counter()
    command = [str(python.with_name("opusfilter")), "--overwrite", str(folder / "opusfilter.yaml")]
    found = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, check=False
    )
    if found.returncode:
        raise PeerError(found.stdout.strip().rpartition("\n")[2])
    return {"seconds": time.perf_counter() - began}


def make_corpus(folder: Path, pairs: int) -> None:
    """Write the pairs as a raw corpus, and as two files of lines."""
    write_corpus(folder / "raw" / TRAIN / "random", make_frames(pairs))
    with (folder / "source").open("w") as sources, (folder / "target").open("w") as targets:
        for frame in read_partitions(folder / "raw" / TRAIN / "random"):
            sources.writelines(f"{text}\n" for text in frame["source"])
            targets.writelines(f"{text}\n" for text in frame["target"])


def describe(name: str, pairs: int, rounds: Sequence[Measured]) -> str:
    """One line: the median speed, its spread, and the most memory."""
    rates = sorted(pairs / one["seconds"] for one in rounds)
    words = f"{name}, {pairs:,} pairs: {median(rates):,.0f} pairs/s ({rates[0]:,.0f} to {rates[-1]:,.0f})"
    if "mb" not in rounds[0]:
        return words
    peak, largest = (max(one[key] for one in rounds) for key in ("mb", "largest_mb"))
    return f"{words}; at most {peak:,.0f} MB" + (f", {largest:,.0f} MB in each other process" if largest else "")


def ratio(name: str, slower: Sequence[Measured], faster: Sequence[Measured]) -> str:
    """One line: how many times as fast the second is, round by round."""
    found = sorted(one["seconds"] / other["seconds"] for one, other in zip(slower, faster, strict=True))
    return f"{name}: {median(found):.2f} times ({found[0]:.2f} to {found[-1]:.2f})"


def measure_rounds(pairs: int, rounds: int, python: Path | None) -> tuple[dict[int, list[Measured]], list[Measured]]:
    """Ours for each number of workers, and OpusFilter where its Python is given.

    Raises:
        PeerError: as told above.
    """
    ours: dict[int, list[Measured]] = {workers: [] for workers in WORKERS}
    peer: list[Measured] = []
    with tempfile.TemporaryDirectory(dir=WORK.resolve()) as name:
        folder = Path(name)
        make_corpus(folder, pairs)
        for _ in range(rounds):
            for workers in WORKERS:
                ours[workers].append(measure(folder, workers))
            if python is not None:
                peer.append(measure_peer(folder, python))
    return ours, peer


def benchmark(sizes: Sequence[int], rounds: int) -> None:
    """Measure and print."""
    python: Path | None = None
    try:
        python = prepare_environment(PEER, WORK.resolve())
    except InstallationError as error:
        print(f"{PEER} can't be installed: {error}")
    by_size: dict[int, list[Measured]] = {}
    for pairs in sizes:
        ours, peer = measure_rounds(pairs, rounds, python)
        for workers in WORKERS:
            print(describe(f"ours, workers={workers}", pairs, ours[workers]), flush=True)
        print(ratio("two processes beside one", ours[1], ours[2]), flush=True)
        if peer:
            print(describe(f"{PEER}, n_jobs=2", pairs, peer))
            print(ratio(f"ours, workers=2, beside {PEER}", peer, ours[2]), flush=True)
        by_size[pairs] = ours[2]
    for pairs in sizes[1:]:
        print(ratio(f"{pairs / sizes[0]:g} times the pairs take the time", by_size[pairs], by_size[sizes[0]]))


def main() -> None:
    """Read the command line and measure; with --clean, be one of the measured processes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cleaning", description=__doc__)
    parser.add_argument("pairs", nargs="*", type=int, default=SIZES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clean", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.clean:
        clean(arguments.clean, arguments.workers)
        return
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        benchmark(arguments.pairs, arguments.rounds)
    except PeerError as error:
        sys.exit(f"{PEER}: {error}; {WORK} has its environment")


if __name__ == "__main__":
    run(main)
