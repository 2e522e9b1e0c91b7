"""Stage `code`: which code each other stage depends on, in one small file a stage."""

import re
from pathlib import Path

from seq2seq.core.files import replacing
from seq2seq.core.fingerprints import write_fingerprints
from seq2seq.core.params import read_yaml
from tasks.stage import path_arguments, run

MODULE = re.compile(r" -m ([\w.]+)")  # in a stage's command, whatever launches it


def main() -> None:
    """Read dvc.yaml and the sources, write the fingerprints."""
    paths = path_arguments(__doc__, "stages", "lock", "out")
    commands = {name: stage["cmd"] for name, stage in read_yaml(paths.stages)["stages"].items() if name != "code"}
    programs = {name: found[1] for name, command in commands.items() if (found := MODULE.search(command))}
    with replacing(paths.out) as partial:
        write_fingerprints(programs, Path(), paths.lock, partial)


if __name__ == "__main__":
    run(main)
