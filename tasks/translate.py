"""Translate lines of standard input with a bundle, or with several PyTorch bundles as an ensemble.

``python -m tasks.translate models/int8 < source.txt > target.txt``; with ``--nbest`` each line becomes a line of JSON
with the best outputs, their scores, the log-probability of every piece, and whether the source was truncated. Lines are
translated as they come: what is there is written before more is waited for. Both sides are UTF-8, whatever the locale.
"""

import argparse
import json
import os
import queue
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.progress import Progress
from seq2seq.core.runtime import RuntimeParams

if TYPE_CHECKING:
    from seq2seq.decoding.params import DecodingParams
    from seq2seq.inference.translator import Output, Translator

AT_ONCE = 4096  # lines: enough of them for batches of like lengths


class Lines:
    """The lines of a stream, read ahead by a thread, so that we know which are there and which are still to come."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: queue.Queue[str | None] = queue.Queue(AT_ONCE)  # None is the end
        self._error: UserError | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        # only a line feed ends a line: str.splitlines would also cut at U+2028 or a form feed
        for number, line in enumerate(self._stream, start=1):
            try:
                self._waiting.put(line.decode().removesuffix("\n").removesuffix("\r"))
            except UnicodeDecodeError as error:
                self._error = UserError(
                    f"standard input, line {number:,}: not UTF-8 ({error.reason}); convert it, for instance with iconv"
                )
                break
        self._waiting.put(None)

    def arriving(self) -> Iterator[list[str]]:
        """Yield all lines that are there, at most AT_ONCE of them; wait where there are none.

        Raises:
            UserError: a line is not UTF-8; those before it were yielded.
        """
        more = True
        while more:
            lines = [self._waiting.get()]
            while lines[-1] is not None and len(lines) < AT_ONCE and not self._waiting.empty():
                lines.append(self._waiting.get())
            more = lines[-1] is not None
            if found := [line for line in lines if line is not None]:
                yield found
        if self._error:
            raise self._error


def _arguments() -> argparse.Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="a folder such as models/forward")
    parser.add_argument("--nbest", action="store_true", help="all hypotheses that the beam ends with, as JSON")
    return parser.parse_args()


def _best(outputs: list[str]) -> list[str]:
    return [output.replace("\n", " ") for output in outputs]  # a vocabulary with bytes can say a line feed


def _lists(texts: list[str], truncated: list[bool], outputs: list[list["Output"]]) -> list[str]:
    return [
        json.dumps({"source": text, "truncated": cut, "outputs": [asdict(one) for one in found]}, ensure_ascii=False)
        for text, cut, found in zip(texts, truncated, outputs, strict=True)
    ]


def _write(lines: list[str]) -> bool:
    """Write lines and flush them; tell whether anybody reads on."""
    try:
        sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python fails to flush at its end
        return False
    return True


def _translate(translator: "Translator", lines: Lines, decoding: "DecodingParams", nbest: bool) -> None:
    long = total = 0
    faults: Counter[str] = Counter()
    # lists of outputs are those of whole lines
    fate = "their ends were cut off" if nbest else translator.splitter.fate_of_long
    # where a person looks on, the outputs are the progress
    with Progress("translate", None, "sentences", quiet=sys.stdin.isatty() or sys.stdout.isatty()) as progress:
        try:
            for texts in lines.arriving():
                total += len(texts)
                if nbest:
                    cut = [len(pieces) > translator.limit for pieces in translator.tokenizer.encode_source(texts)]
                    found = _lists(texts, cut, translator.nbest(texts, decoding, progress))
                else:
                    cut = translator.splitter.find_long(texts)
                    found = _best(translator.translate(texts, decoding, progress))
                    faults.update(
                        fault for pair in zip(texts, found, strict=True) for fault in translator.faults(*pair)
                    )
                long += sum(cut)
                if not _write(found):
                    break
        finally:
            if long:
                print(
                    f"translate: {long:,} of {total:,} lines are longer than the {translator.limit} pieces that "
                    f"the model reads; {fate}",
                    file=sys.stderr,
                    flush=True,
                )
            if faults:
                counted = ", ".join(f"{count:,} {fault}" for fault, count in faults.most_common())
                print(f"translate: of {total:,} lines some look wrong: {counted}", file=sys.stderr, flush=True)


def main() -> None:
    """Write a line for each line that comes."""
    arguments = _arguments()
    # read by a file object of its own: Python takes that of sys.stdin down at its end, and a reading thread holds it
    lines = Lines(open(sys.stdin.fileno(), "rb", closefd=False))  # noqa: SIM115 - the thread reads until the end
    from seq2seq.decoding.params import DecodingParams
    from seq2seq.inference.translator import Translator

    decoding = load_section(PARAMS, "decoding", DecodingParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    first, *others = arguments.bundles
    translator = Translator.load_ensemble([first, *others], runtime) if others else Translator.load(first, runtime)
    _translate(translator, lines, decoding, arguments.nbest)


if __name__ == "__main__":
    run(main)
