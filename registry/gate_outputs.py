"""What a version makes of a gate set: as it was recorded with it, or translated again by the version itself.

``python -m registry.gate_outputs MODEL GATE OUT`` is the second of these, in a process of its own: the version brings
its own copy of the library, and its engine's threads and memory go when it has answered.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from registry.deleted import DeletedError, fetch_artifact
from registry.versions import RegisteredModel
from seq2seq.core.command_line import run
from seq2seq.text.perturbations import translate_perturbed

RELEASED = "reports/predictions/int8/gate.parquet"
FLOAT32 = "reports/predictions/float32/gate.parquet"


def recorded_outputs(model: RegisteredModel, number: int, path: str = RELEASED) -> pd.DataFrame:
    """Columns source, references and prediction of a version on the gate set that it was scored on, and maybe others.

    Raises:
        DeletedError: they were deleted from the store.
    """
    with tempfile.TemporaryDirectory() as folder:
        frame = pd.read_parquet(fetch_artifact(model.client, model.version(number), path, folder))
    if "references" not in frame:  # recorded before a line could have several
        frame["references"] = [[target] for target in frame.pop("target")]
    return frame


def translate_again(model: RegisteredModel, number: int, gate: pd.DataFrame) -> pd.DataFrame:
    """What a version answers today to the sources of another gate set.

    It is loaded as it was registered: its own bundle, its own search, and its own copy of the library.

    Args:
        model: the registered model.
        number: of the version.
        gate: columns source, references, and maybe origin.

    Returns:
        The same columns, prediction, and those of the perturbations.

    Raises:
        DeletedError: its model was deleted from the store, or can't be loaded with today's packages.
    """
    from mlflow.artifacts import download_artifacts

    print(f"version {number} translates {len(gate):,} lines of another gate set than it was recorded on", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        asked, answers = Path(folder, "gate.parquet"), Path(folder, "answers.parquet")
        gate[[name for name in ("source", "references", "origin") if name in gate]].to_parquet(asked)
        uri = model.client.get_model_version_download_uri(model.name, str(number))
        place = download_artifacts(artifact_uri=uri, tracking_uri=model.client.tracking_uri, dst_path=folder)
        command = [sys.executable, "-m", "registry.gate_outputs", place, str(asked), str(answers)]
        root = Path(__file__).parents[1]  # where Python finds this module
        process = subprocess.run(command, cwd=root, capture_output=True, check=False, text=True, errors="replace")
        if process.returncode:
            last = (process.stderr.strip() or f"status {process.returncode}").splitlines()[-1]
            raise DeletedError(f"its model no longer answers: {last}")
        return pd.read_parquet(answers)


def main() -> None:
    """Load a model, translate a gate set with it, and write what comes out."""
    import mlflow

    place, asked, answers = sys.argv[1:]
    loaded = mlflow.pyfunc.load_model(place)

    def translate(sources: list[str]) -> list[str]:
        return list(loaded.predict(pd.DataFrame({"source": sources}))["target"])

    gate = pd.read_parquet(asked)
    sources = gate["source"].tolist()
    outputs = translate(sources)
    gate.assign(prediction=outputs, **translate_perturbed(translate, sources, outputs)).to_parquet(answers)


if __name__ == "__main__":
    run(main)
