"""Translate files, whose form stays: ``python -m serving.translate page.html messages.po --bundle models/int8``.

Text line by line, HTML, gettext's .po and XLIFF (empty entries are filled), subtitles (.srt), and a column
of CSV or TSV. FILE.EXT becomes FILE.LANGUAGE.EXT. A run that was interrupted goes on where it stopped.
"""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from pathlib import Path

from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.core.files import write_text
from seq2seq.core.progress import Progress
from serving.doors import BundleDoor, Door, ServerDoor
from serving.formats.form import Form
from serving.formats.kinds import KNOWN, read_form

SERVER = "http://127.0.0.1:8080"


class Journal:
    """What was translated so far, on disk; another model's outputs are not taken up."""

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self.known: dict[str, str] = {}
        name = hashlib.sha256(identity.encode()).hexdigest()
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        if lines and lines[0] == name:
            for line in lines[1:-1]:  # the last one may have been cut
                self.known |= json.loads(line)
        elif lines:
            print(f"{path} is of another model; all is translated anew", file=sys.stderr, flush=True)
        kept = "".join(f"{json.dumps({key: output})}\n" for key, output in self.known.items())
        write_text(path, f"{name}\n{kept}")
        self._file = path.open("a", encoding="utf-8")

    def add(self, texts: list[str], outputs: list[str]) -> None:
        """Keep outputs."""
        for text, output in zip(texts, outputs, strict=True):
            self.known[key_of(text)] = output
            self._file.write(f"{json.dumps({key_of(text): output})}\n")
        self._file.flush()

    def close(self, *, finished: bool) -> None:
        """Close it; forget it where all is done."""
        self._file.close()
        if finished:
            self._path.unlink()


def key_of(text: str) -> str:
    """What a text is known by."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def translate_form(form: Form, door: Door, journal: Journal, label: str) -> tuple[list[str], list[list[str]]]:
    """The output of each text of a file, and what looks wrong with it."""
    missing = list(dict.fromkeys(text for text in form.texts if key_of(text) not in journal.known))
    with Progress(label, len(form.texts), "texts", initial=len(form.texts) - len(missing)) as progress:
        at = 0
        for outputs in door.translate(missing, form.markup):
            journal.add(missing[at : at + len(outputs)], outputs)
            at += len(outputs)
            progress.add(len(outputs))
    found = [journal.known[key_of(text)] for text in form.texts]
    return found, [door.faults(text, output) for text, output in zip(form.texts, found, strict=True)]


def _translate_file(path: Path, form: Form, door: Door, out: Path) -> None:
    journal = Journal(out.with_name(f".{out.name}.journal"), door.identity)
    finished = False
    try:
        outputs, faults = translate_form(form, door, journal, path.name)
        write_text(out, form.write(outputs, faults))
        finished = True
    finally:
        journal.close(finished=finished)
    counted = Counter(fault for found in faults for fault in found)
    wrong = "".join(f", {count:,} {fault}" for fault, count in counted.most_common())
    print(f"{path} -> {out}: {len(form.texts):,} texts{wrong}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=f"one of {KNOWN}")
    door = parser.add_mutually_exclusive_group()
    door.add_argument("--bundle", type=Path, metavar="DIR", help="a folder such as models/int8")
    door.add_argument("--server", default=SERVER, metavar="URL", help=f"a server; default: {SERVER}")
    parser.add_argument("--source", default="", help="language to translate from, where a server has several")
    parser.add_argument("--target", default="", help="language to translate to, where a server has several")
    parser.add_argument("--column", help="of a table, to translate")
    parser.add_argument("--into", help="of a table, to write; default: COLUMN_LANGUAGE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write to; default: beside the files")
    return parser.parse_args()


def main() -> None:
    """Translate each file."""
    arguments = _arguments()
    if missing := [path for path in arguments.files if not path.is_file()]:
        raise UserError(f"there is no file {missing[0]}")
    if arguments.bundle:
        door: Door = BundleDoor(arguments.bundle)
    else:
        key = os.environ.get("SEQ2SEQ_API_KEY", "")
        door = ServerDoor(arguments.server, arguments.source, arguments.target, key)
    language = door.language
    # all are read before the first is translated: a mistake shows at once
    forms = {path: read_form(path, language, arguments.column, arguments.into) for path in arguments.files}
    for path, form in forms.items():
        folder = arguments.out or path.parent
        folder.mkdir(parents=True, exist_ok=True)
        _translate_file(path, form, door, folder / f"{path.stem}.{language}{path.suffix}")


if __name__ == "__main__":
    run(main)
