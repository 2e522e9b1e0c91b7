"""Stage `choose`: the candidate that is released, with how it searches, how fast it is, and why it was taken."""

import shutil
from dataclasses import asdict

from seq2seq.core.files import read_json, replacing, write_json
from seq2seq.core.params import PARAMS, load_section
from tasks.stage import path_arguments, run


def main() -> None:
    """Copy its bundle; write its search, the speeds of the engines, and the choice."""
    paths = path_arguments(__doc__, "candidates", "measured", "out", "decoding", "speed", "choice")

    from seq2seq.candidates.choose import choose, engine_speeds
    from seq2seq.candidates.params import ChoiceParams
    from seq2seq.decoding.params import DecodingParams

    params = load_section(PARAMS, "choice", ChoiceParams)
    decoding = load_section(PARAMS, "decoding", DecodingParams)
    measured = read_json(paths.measured)
    choice = choose(measured["candidates"], params)
    chosen = measured["candidates"][choice.name]
    with replacing(paths.out) as partial:
        shutil.copytree(paths.candidates / chosen["folder"], partial)
    write_json(paths.decoding, decoding.model_dump(mode="json") | {"beam_size": chosen["beam_size"]})
    write_json(paths.speed, engine_speeds(measured, choice.name))
    write_json(paths.choice, asdict(choice))
    if choice.warning:
        print(f"warning: {choice.warning}")
    for name, reason in choice.rejected.items():
        print(f"{name} isn't released: {reason}")
    print(f"{choice.name} is released: {choice.reason}")


if __name__ == "__main__":
    run(main)
