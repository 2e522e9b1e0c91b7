"""Stage `clean`: filter all raw corpora, hold out validation, gate and test sets, drop what would leak.

``--explain`` tells what each filter thinks of one pair, and writes nothing.
"""

from pathlib import Path

from seq2seq.cleaning.explain import explain
from seq2seq.cleaning.params import CleaningParams
from seq2seq.cleaning.prepare import prepare
from seq2seq.core.command_line import ArgumentParser
from seq2seq.core.errors import UserError
from seq2seq.core.files import replacing, write_json
from seq2seq.core.params import PARAMS, load_section
from seq2seq.text.languages import LanguagesParams
from tasks.stage import run

PATHS = ("raw", "out", "report")


def main() -> None:
    """Read the raw corpora, write the clean ones and the counts of each filter."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--explain", metavar="SOURCE<TAB>TARGET")
    parser.add_argument("--corpus", default="", help="for --explain: with what cleaning.corpora says of it")
    for name in PATHS:
        parser.add_argument(f"--{name}", type=Path)
    arguments = parser.parse_args()
    params = load_section(PARAMS, "cleaning", CleaningParams)
    languages = load_section(PARAMS, "languages", LanguagesParams)
    if arguments.explain is not None:
        print("\n".join(explain(arguments.explain, params.of(arguments.corpus), languages)))
        return
    if missing := [f"--{name}" for name in PATHS if getattr(arguments, name) is None]:
        raise UserError(f"clean needs {', '.join(missing)}, or --explain; --help tells more")
    with replacing(arguments.out) as partial:
        report = prepare(arguments.raw, partial, params, languages)
    write_json(arguments.report, report)
    for name, counts in report["held_out"].items():
        if empty := counts["empty"]:
            print(
                f"clean: {empty:,} of {counts['lines']:,} lines of {name} have an empty side; they stay, as published"
            )


if __name__ == "__main__":
    run(main)
