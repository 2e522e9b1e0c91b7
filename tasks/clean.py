"""Stage `clean`: filter all raw corpora, hold out validation, gate and test sets, drop what would leak."""

from seq2seq.cleaning.filters import CleaningParams
from seq2seq.cleaning.prepare import prepare
from seq2seq.core.files import replacing, write_json
from seq2seq.core.params import PARAMS, load_section
from tasks.stage import path_arguments, run


def main() -> None:
    """Read the raw corpora, write the clean ones and the counts of each filter."""
    paths = path_arguments(__doc__, "raw", "out", "report")
    params = load_section(PARAMS, "cleaning", CleaningParams)
    with replacing(paths.out) as partial:
        report = prepare(paths.raw, partial, params)
    write_json(paths.report, report)
    for name, counts in report["held_out"].items():
        if empty := counts["empty"]:
            print(
                f"clean: {empty:,} of {counts['lines']:,} lines of {name} have an empty side; they stay, as published"
            )


if __name__ == "__main__":
    run(main)
