"""Translate lines of standard input with a bundle, or with several PyTorch bundles as an ensemble.

``python -m tasks.translate models/int8 < source.txt > target.txt``; with ``--nbest`` each line becomes a line of JSON
with the best outputs, their scores, and the log-probability of every piece.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from seq2seq.core.command_line import run
from seq2seq.core.errors import UserError
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="a folder such as models/forward")
    parser.add_argument("--nbest", action="store_true", help="all hypotheses that the beam ends with, as JSON")
    return parser.parse_args()


def _read_lines() -> list[str]:
    """Lines of standard input; only a line feed ends one: str.splitlines would also cut at U+2028 or a form feed."""
    try:
        return [line.decode().removesuffix("\n").removesuffix("\r") for line in sys.stdin.buffer]
    except UnicodeDecodeError as error:
        raise UserError(f"standard input is not UTF-8: {error}; convert it, for instance with iconv") from None


def main() -> None:
    """Read all lines, translate, write as many."""
    arguments = _arguments()
    from seq2seq.decoding.params import DecodingParams
    from seq2seq.inference.translator import Translator

    decoding = load_section(PARAMS, "decoding", DecodingParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    first, *others = arguments.bundles
    translator = Translator.load_ensemble([first, *others], runtime) if others else Translator.load(first, runtime)
    texts = _read_lines()
    if not arguments.nbest:
        for output in translator.translate(texts, decoding, label="translate"):
            print(output.replace("\n", " "))  # a vocabulary with bytes can say it
        return
    for text, outputs in zip(texts, translator.nbest(texts, decoding, label="translate"), strict=True):
        print(json.dumps({"source": text, "outputs": [asdict(one) for one in outputs]}, ensure_ascii=False))


if __name__ == "__main__":
    run(main)
