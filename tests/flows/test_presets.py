"""The shapes of presets/ learn at the learning rates that stand there."""

import math

import pytest

from flows.parameters import check_parameters
from flows.runs import resolve
from seq2seq.sources.phrasebook import generate
from seq2seq.tokenizers.sentencepiece import train_tokenizer
from seq2seq.training.data import TrainingData
from seq2seq.training.fit import fit
from tests.tiny_models import LANGUAGES, RUNTIME
from tests.toy_project import REPOSITORY

SMALL = ["generated.train_pairs=8000", "generated.held_out_pairs=200", "generated.mono_lines=0"]
SHORT = ["train.max_updates=300", "train.batch_tokens=2048", "train.validate_every=100"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["transformer-tiny", "lstm", "gru", "rnn", "conv"])
def test_a_shape_learns_the_phrasebook(preset, tmp_path):
    params = check_parameters(*resolve(REPOSITORY, [preset], [*SMALL, *SHORT]))
    sets = generate("en", "de", params.generated)
    train, validation = sets["train"], sets["validation"]
    tokenizer = train_tokenizer(train["source"], train["target"], params.tokenizer, 1, tmp_path / "tokenizer")
    architecture = params.model.architecture
    points = fit(
        TrainingData(lambda: [train], lambda: [], len(train), validation, tag=False),
        tokenizer=tokenizer,
        languages=LANGUAGES,
        task="translation",
        architecture=architecture,
        model_params=getattr(params, architecture),
        params=params.train,
        runtime=RUNTIME,
        origin={},
        work=tmp_path,
        out=tmp_path / "out",
        label=preset,
    )
    assert points[-1].validation_loss < 0.3 * math.log(tokenizer.target_size)  # of a model that knows nothing
