"""One engine in a process of its own: ``python -m seq2seq.benchmark.worker``, started by seq2seq.benchmark.engines.

It reads and writes lines of JSON. The first line is the job; every further line, whatever it says, is one turn.
It answers with lines: ``{}`` when it has translated one text, ``{}`` again when it is warm, the result of each turn, or
``{"error": message}``.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from seq2seq.core.errors import UserError
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.inference.translator import Translator

MEGABYTE = 1_000_000
ALONE = 20  # texts that are translated one by one as well


def peak_memory_mb() -> float:
    """Most memory that this process has held so far, in MB of 10**6 bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # not ru_maxrss, which on Linux starts from the memory of the process that started this one
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024 / MEGABYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE  # macOS counts bytes


def work(job: dict[str, Any], turns: TextIO, answers: TextIO) -> None:
    """Load the bundle, warm up on one batch, then translate the job's texts once per line of ``turns``.

    A turn translates all of them in batches, and then the first ALONE of them one by one.
    """
    runtime = RuntimeParams.model_validate(job["runtime"])
    decoding = DecodingParams.model_validate(job["decoding"])
    translator = Translator.load(Path(job["bundle"]), runtime)
    translator.translate(job["texts"][:1], decoding)
    _answer(answers, {})  # who started this process knows how long that took
    translator.translate(job["texts"][: decoding.batch_size], decoding)
    _answer(answers, {})
    for _ in turns:
        started = time.perf_counter()
        translator.translate(job["texts"], decoding)
        seconds = time.perf_counter() - started
        latencies = []
        for text in job["texts"][:ALONE]:
            started = time.perf_counter()
            translator.translate([text], decoding)
            latencies.append(1000 * (time.perf_counter() - started))
        _answer(answers, {"seconds": seconds, "latencies_ms": latencies, "peak_rss_mb": peak_memory_mb()})


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    print(json.dumps(answer), file=answers, flush=True)


def main() -> None:
    """Serve the parent process until it closes our input; whatever else is printed goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    try:
        work(json.loads(sys.stdin.readline()), sys.stdin, answers)
    except UserError as error:
        _answer(answers, {"error": str(error)})


if __name__ == "__main__":
    main()
