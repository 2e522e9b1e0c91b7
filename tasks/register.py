"""Stage `register`: the trained model becomes one version in the MLflow registry, with its whole record.

Without flags it takes those of the stage in dvc.yaml. The flow ends with that call, since a cached stage runs no code.
"""

import shlex
import sys
from pathlib import Path

from registry.record import Outputs, register, summarize
from registry.store import open_store
from seq2seq.core.errors import TransientError
from seq2seq.core.files import write_json
from seq2seq.core.params import PARAMS, read_yaml
from seq2seq.release.params import registered_name
from tasks.stage import path_arguments, run


def _flags_of_stage() -> list[str]:
    command = read_yaml(Path("dvc.yaml"))["stages"]["register"]["cmd"]
    return shlex.split(command)[3:]  # after python -m tasks.register


def main() -> None:
    """Read paths and params, register, write the two reports."""
    if not sys.argv[1:]:
        sys.argv += _flags_of_stage()
    paths = path_arguments(__doc__, "bundle", "int8", "decoding", "reports", "served", "out", "registration")
    name = registered_name(PARAMS)
    outputs = Outputs(paths.bundle, paths.int8, paths.decoding, paths.reports, paths.served)
    outputs.check()
    summary = summarize(name, outputs)
    with open_store(away=TransientError) as store:
        store.check_rights(name)
        registration = register(store, outputs, summary)
    write_json(paths.out, summary)
    write_json(paths.registration, registration)
    print(f"{name} version {registration['version']} holds bundle {registration['bundle_sha256'][:12]}")
    if store.artifacts and not store.artifacts.is_relative_to(Path().resolve()):
        print(f"notice: the version is kept in {store.artifacts.parent}, not in this folder")


if __name__ == "__main__":
    run(main)
