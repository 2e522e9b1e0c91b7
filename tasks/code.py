"""Stage `code`: which code each program of tasks/ depends on, in one small file a program.

The files bear the names of programs, not of stages, since DVC accepts no dvc.yaml as a dependency; two stages that run
one program share its file.
"""

from pathlib import Path

from seq2seq.core.files import replacing
from seq2seq.core.fingerprints import write_fingerprints
from tasks.stage import path_arguments, run


def main() -> None:
    """Read the sources, write the fingerprints."""
    paths = path_arguments(__doc__, "programs", "lock", "out")
    names = sorted(path.stem for path in paths.programs.glob("[a-z]*.py"))
    with replacing(paths.out) as partial:
        write_fingerprints({name: f"{paths.programs}.{name}" for name in names}, Path(), paths.lock, partial)


if __name__ == "__main__":
    run(main)
