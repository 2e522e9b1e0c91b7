"""Stage `code`: which code each program of tasks/ depends on, in one small file a program.

The files bear the names of programs, not of stages, since DVC accepts no dvc.yaml as a dependency; two stages that run
one program share its file. One file more is of the code that answers wherever a model is served.
"""

from pathlib import Path

from seq2seq.core.files import replacing
from seq2seq.core.fingerprints import write_fingerprints
from tasks.stage import path_arguments, run

SERVED = {"served": "seq2seq.inference.translator"}


def main() -> None:
    """Read the sources, write the fingerprints."""
    paths = path_arguments(__doc__, "programs", "lock", "out")
    names = sorted(path.stem for path in paths.programs.glob("[a-z]*.py"))
    programs = {name: f"{paths.programs}.{name}" for name in names}
    with replacing(paths.out) as partial:
        write_fingerprints(programs | SERVED, Path(), paths.lock, partial)


if __name__ == "__main__":
    run(main)
