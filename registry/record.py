"""The record of a run: everything that DVC's stages left becomes one MLflow run and one version of a model.

Nothing is computed here. What is served makes the version (:mod:`registry.served`): the same is one version, ever.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from registry.commits import CHANGES, RUN, commit_of_run, keep_changes
from registry.deleted import missing_part
from registry.served import BUNDLE, MODEL_CODE, SERVED, find_versions, served, serving_params
from registry.store import Store
from registry.values import curve_points, numbers_of, params_of
from registry.versions import (
    FLOAT32,
    FLOAT32_BUNDLE,
    GATE_BLEU,
    GATE_DIGEST,
    LEARNED_NOTHING,
    NON_COMMERCIAL,
    UNDEFINED,
    UNKNOWN_START,
)
from seq2seq.bundles.manifest import MANIFEST, bundle_digest, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json, sha256_file
from seq2seq.core.machine import describe_machine
from seq2seq.core.params import PARAMS
from seq2seq.core.redaction import HIDDEN, redact
from seq2seq.release.params import digest_of_set
from seq2seq.text.corpus import GATE
from seq2seq.training.learning_curve import learned_nothing
from seq2seq.training.params import SECTIONS

# what a machine needs to load the model; a test compares it with the library's imports
REQUIREMENTS: tuple[str, ...] = (
    "mlflow",
    "babel",
    "ctranslate2",
    "numpy",
    "pandas",
    "pydantic",
    "ruamel.yaml",
    "sentencepiece",
    "sentencex",
    "tqdm",
)
PYTORCH_REQUIREMENTS = ("torch", "safetensors")  # besides, where PyTorch runs the model
ONNX_REQUIREMENTS = ("torch", "onnxruntime")  # where ONNX Runtime does, and the search is ours
PRETRAINED_REQUIREMENTS = ("transformers",)  # besides those, for a pretrained model
FORWARD_CURVE = Path("curves", "forward.csv")
REPORT_FILES = {".html", ".json", ".csv", ".md", ".parquet"}
CARD = "card.md"
REPORTS = ("quality.json", "speed.json", "download.json", "cleaning.json", "index.html", CARD)
LONGEST_DESCRIPTION = 5000  # characters that every database behind MLflow keeps


@dataclass(frozen=True)
class Outputs:
    """What DVC's stages left: all that a registration reads."""

    forward: Path  # the float32 bundle
    int8: Path  # the bundle that is released
    decoding: Path  # how it searches
    reports: Path
    library: Path  # the fingerprint of the code that answers

    def check(self) -> None:
        """Raise a UserError that names the first file that a stage should have left and didn't."""
        for path in [
            self.forward / MANIFEST,
            self.int8 / MANIFEST,
            self.decoding,
            self.library,
            *(self.reports / name for name in REPORTS),
            self.reports / FORWARD_CURVE,
            *(self.reports / "scores" / f"{engine}.json" for engine in ("float32", "int8")),
            self.reports / "predictions" / "int8" / f"{GATE}.parquet",
        ]:
            if not path.exists():
                raise UserError(f"{path} is missing; run `dvc repro`, or `dvc checkout` where it was computed before")


def summarize(name: str, outputs: Outputs) -> dict[str, Any]:
    """What is released: the content of release.json, the same for the same outputs."""
    import pandas as pd

    predictions = sorted((outputs.reports / "predictions" / "int8").glob("*.parquet"))
    frames = {path.stem: pd.read_parquet(path, columns=["source", "references"]) for path in predictions}
    return {
        "name": name,
        SERVED: served(outputs.int8, outputs.decoding, outputs.library)[SERVED],
        "bundles": {"float32": bundle_digest(outputs.forward), "int8": bundle_digest(outputs.int8)},
        "sets": {
            key: digest_of_set(frame["source"].tolist(), frame["references"].tolist()) for key, frame in frames.items()
        },
        "scores": {engine: read_json(outputs.reports / "scores" / f"{engine}.json") for engine in ("float32", "int8")},
    }


def register(store: Store, outputs: Outputs, summary: dict[str, Any]) -> dict[str, Any]:
    """Return the version of what is served, recorded before or now: the content of registration.json.

    The version is made last, so that one exists only with its whole record; what a killed
    registration left is removed first.
    """
    name = summary["name"]
    tags = _lineage(outputs, summary) | _licences(store.client, outputs)
    alike = find_versions(store.client, name, tags)
    whole = [version for version in alike if _is_whole(store, version)]
    if not whole:
        experiment = store.experiment(name)
        _remove_unfinished(store, experiment, tags[SERVED], kept={version.run_id for version in alike})
        run_id, model_uri = _record(store, experiment, outputs, summary, tags)
        whole = [_make_version(store, name, model_uri, run_id, tags, _description(outputs))]
    version = whole[0]
    if (scored := version.tags.get(GATE_DIGEST)) != tags[GATE_DIGEST]:
        print(
            f"notice: version {version.version} serves this very model, scored on another gate set ({scored}); "
            "what is served is one version, which stays as it was recorded"
        )
    return {
        "name": name,
        "version": int(version.version),
        BUNDLE: tags[BUNDLE],
        SERVED: tags[SERVED],
        "run_id": version.run_id,
    }


def is_registered(store: Store, summary: Mapping[str, Any], registration: Mapping[str, Any]) -> bool:
    """Whether :func:`register` would find what its last call left and have nothing to say.

    Args:
        store: the store of today, which may be another one.
        summary: the content of release.json.
        registration: the content of registration.json.
    """
    from mlflow.exceptions import MlflowException

    if (registration["name"], registration[SERVED]) != (summary["name"], summary[SERVED]):
        return False
    try:
        version = store.client.get_model_version(summary["name"], str(registration["version"]))
    except MlflowException:  # there is none, or it can't be told: registering tells
        return False
    told = version.run_id, version.tags.get(SERVED), version.tags.get(GATE_DIGEST)
    if told != (registration["run_id"], summary[SERVED], summary["sets"][GATE]) or missing_part(store.client, version):
        return False
    return bool(store.client.get_run(version.run_id).info.lifecycle_stage == "active")


def _is_whole(store: Store, version: Any) -> bool:
    """Whether a version still has its run and its model; a run that lies in MLflow's trash is taken out of it."""
    if missing := missing_part(store.client, version):
        print(f"notice: version {version.version} serves this very model, but {missing}; it is recorded again")
        return False
    if store.client.get_run(version.run_id).info.lifecycle_stage == "deleted":
        store.client.restore_run(version.run_id)
        print(f"notice: the run of version {version.version} lay in MLflow's trash; it is restored")
    return True


def _remove_unfinished(store: Store, experiment: str, digest: str, kept: set[str]) -> None:
    for left in store.client.search_runs([experiment], f"tags.{SERVED} = '{digest}'"):
        run_id = left.info.run_id
        if run_id in kept:  # of a version that lost its model
            continue
        for model in store.client.search_logged_models([experiment], f"source_run_id = '{run_id}'"):
            store.client.delete_logged_model(model.model_id)
        store.client.delete_run(run_id)


def _description(outputs: Outputs) -> str:
    """The model card, as far as MLflow keeps it."""
    card = (outputs.reports / CARD).read_text(encoding="utf-8")
    if len(card) <= LONGEST_DESCRIPTION:
        return card
    rest = f"\n\n(Cut here; the whole card is reports/{CARD} among the run's artifacts.)"
    return card[: LONGEST_DESCRIPTION - len(rest)] + rest


def _make_version(store: Store, name: str, model_uri: str, run_id: str, tags: dict[str, str], description: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        store.client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return store.client.create_model_version(
        name, model_uri, run_id, tags=tags, model_id=model_uri.removeprefix("models:/"), description=description
    )


def _record(
    store: Store, experiment: str, outputs: Outputs, summary: dict[str, Any], tags: dict[str, str]
) -> tuple[str, str]:
    """Write one run with params, metrics, curves, artifacts and the model; return its id and the model's URI."""
    import mlflow
    from mlflow.entities import Metric

    mlflow.set_tracking_uri(store.uri)
    run_name = f"{summary['name']} {summary[SERVED][:8]}"
    with mlflow.start_run(experiment_id=experiment, run_name=run_name, tags=tags) as active:
        run_id = active.info.run_id
        started = active.info.start_time
        mlflow.log_params(params_of(PARAMS))
        speed = read_json(outputs.reports / "speed.json")
        mlflow.log_metrics(dict(numbers_of(summary["scores"] | {"speed": speed})))
        points = [Metric(key, value, started, step) for key, value, step in curve_points(outputs.reports / "curves")]
        store.client.log_batch(run_id, metrics=points)
        for path in filter(Path.exists, [PARAMS, Path("dvc.yaml"), Path("dvc.lock"), RUN]):
            _log_file(path)
        for path in sorted(outputs.reports.rglob("*")):
            if path.suffix in REPORT_FILES and path.name not in ("registration.json", "release.json"):
                mlflow.log_artifact(str(path), Path("reports", path.relative_to(outputs.reports)).parent.as_posix())
        mlflow.log_dict(summary, "reports/release.json")
        with tempfile.TemporaryDirectory() as changes:
            keep_changes(Path(), Path(changes))
            mlflow.log_artifacts(changes, CHANGES)
        mlflow.log_artifacts(str(outputs.forward), FLOAT32)
        return run_id, _log_model(outputs)


def _log_file(path: Path) -> None:
    """Store a small text file, without the passwords in it."""
    import mlflow

    text = path.read_text(encoding="utf-8")
    if (shown := redact(text)) == text:
        mlflow.log_artifact(str(path))
        return
    print(f"notice: {path} holds a password or a token, which MLflow doesn't get; its copy there has {HIDDEN} instead")
    mlflow.log_text(shown, str(path))


def _log_model(outputs: Outputs) -> str:
    """Store the int8 bundle, the library and the code that puts them together; return the model's URI.

    The stored model has to answer before it can become a version.
    """
    import mlflow
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    import seq2seq

    examples = pd.read_parquet(outputs.reports / "predictions" / "int8" / f"{GATE}.parquet", columns=["source"])
    packages = REQUIREMENTS
    manifest = read_manifest(outputs.int8)
    if manifest.engine == "pytorch":
        packages += PYTORCH_REQUIREMENTS
    if manifest.engine == "onnx":
        packages += ONNX_REQUIREMENTS
    if manifest.architecture == "pretrained":
        packages += PRETRAINED_REQUIREMENTS
    config = {
        key: value
        for section in serving_params(outputs.decoding)
        for key, value in section.model_dump(mode="json").items()
    }
    with _without_links(outputs.int8) as bundle:
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(MODEL_CODE),
            artifacts={"bundle": str(bundle)},
            code_paths=[str(Path(seq2seq.__file__).parent)],
            signature=ModelSignature(Schema([ColSpec("string", "source")]), Schema([ColSpec("string", "target")])),
            input_example=examples.head(3),
            pip_requirements=[f"{package}=={metadata.version(package).partition('+')[0]}" for package in packages],
            model_config=config,
        )
    mlflow.pyfunc.load_model(logged.model_uri).predict(examples.head(3))
    return str(logged.model_uri)


@contextmanager
def _without_links(folder: Path) -> Iterator[Path]:
    """Yield a folder with the same files, none of them a link, as DVC's outputs may be.

    MLflow stores no file that lies outside its folder.
    """
    if not any(path.is_symlink() for path in [folder, *folder.rglob("*")]):
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        yield Path(shutil.copytree(folder, Path(place, folder.name)))


def _lineage(outputs: Outputs, summary: dict[str, Any]) -> dict[str, str]:
    """Tags that lead from a version back to its code, params and data."""
    read_manifest(outputs.forward)  # both are checked: a champion must be restorable
    manifest = read_manifest(outputs.int8)
    gate_bleu = summary["scores"]["int8"][GATE]["bleu"]
    tags = served(outputs.int8, outputs.decoding, outputs.library) | {
        FLOAT32_BUNDLE: summary["bundles"]["float32"],
        "task": manifest.task,
        "source_language": manifest.languages.source,
        "target_language": manifest.languages.target,
        GATE_BLEU: UNDEFINED if gate_bleu is None else str(gate_bleu),
        "params_sha256": sha256_file(PARAMS),
    }
    tags |= {f"origin.{key}": value for key, value in manifest.origin.items()}
    tags |= {f"set_sha256.{key}": value for key, value in summary["sets"].items()}
    if nothing := learned_nothing(outputs.reports / FORWARD_CURVE, PARAMS, SECTIONS["forward"]):
        tags[LEARNED_NOTHING] = nothing
    if (lock := Path("dvc.lock")).exists():
        tags["dvc_lock_sha256"] = sha256_file(lock)
    tags |= {f"machine.{key}": value for key, value in describe_machine().items()}
    return tags | commit_of_run(Path())


def _licences(client: Any, outputs: Outputs) -> dict[str, str]:
    """Tags of the licences that bind a version: those of its corpora, and of what it goes on from."""
    facts = read_json(outputs.reports / "download.json")
    forbidding = [corpus for corpus, told in facts.items() if told.get(NON_COMMERCIAL)]
    tags = {}
    if start := read_manifest(outputs.forward).origin.get("start"):
        before = client.search_model_versions(f"tags.{FLOAT32_BUNDLE} = '{start}'")
        if not before:
            tags[UNKNOWN_START] = start
        for version in before:
            forbidding += version.tags.get(NON_COMMERCIAL, "").split(", ")
            tags |= {key: value for key, value in version.tags.items() if key == UNKNOWN_START}
    if named := [corpus for corpus in dict.fromkeys(forbidding) if corpus]:
        tags[NON_COMMERCIAL] = ", ".join(named)
    return tags
