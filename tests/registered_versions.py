"""Versions of a registered model as a registration leaves them, without a training and without a model."""

import pandas as pd

from seq2seq.core.params import load_section
from seq2seq.release.params import ReleaseParams, digest_of_set
from tests.toy_project import REPOSITORY

NAME = "phrasebook-en-de"
SOURCES = [f"The train number {number} leaves for Berlin at {number % 24} o'clock ." for number in range(200)]
TARGETS = [f"Der Zug Nummer {number} fährt um {number % 24} Uhr nach Berlin ." for number in range(200)]
DEFAULTS = load_section(REPOSITORY / "params.yaml", "release", ReleaseParams)
PARAMS = DEFAULTS.model_copy(update={"margin": 3.0, "bootstrap_samples": 200})


def log_outputs(client, run_id, outputs, sources, references, model="int8", **columns):
    """Record what a model made of a gate set."""
    frame = pd.DataFrame({"source": sources, "references": references, "prediction": outputs} | columns)
    frame.to_parquet("gate.parquet")
    client.log_artifact(run_id, "gate.parquet", f"reports/predictions/{model}")


def add_version(client, wrong, lines=200, metrics=None, nearest=None, targets=TARGETS, **tags):
    """Register a version that gets so many of the first ``lines`` of the gate set wrong, from the first on."""
    run_id = client.create_run(client.get_experiment_by_name(NAME).experiment_id).info.run_id
    outputs = ["Kein Wort stimmt hier ."] * wrong + targets[wrong:lines]
    sources, references = SOURCES[:lines], [[text] for text in targets[:lines]]
    log_outputs(client, run_id, outputs, sources, references)
    if nearest:
        log_outputs(client, run_id, outputs, sources, references, "float32", nearest_sentence=nearest)
    for key, value in ({"int8/gate/bleu": 100 - wrong / 2} | (metrics or {})).items():
        client.log_metric(run_id, key, value)
    tags = {
        "set_sha256.gate": digest_of_set(sources, references),
        "gate_bleu": str(100 - wrong / 2),
        "target_language": "de",
    } | tags
    return int(client.create_model_version(NAME, client.get_run(run_id).info.artifact_uri, run_id, tags=tags).version)
