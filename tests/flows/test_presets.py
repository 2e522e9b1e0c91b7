"""The shapes of presets/ learn at the learning rates that stand there."""

import math

import pytest

from flows.runs import resolve
from seq2seq.settings import check_parameters
from seq2seq.sources.phrasebook import generate
from seq2seq.tokenizers.sentencepiece import train_tokenizer
from seq2seq.training.fit import fit
from seq2seq.training.recipe import Recipe
from tests.tiny_models import RUNTIME
from tests.toy_project import REPOSITORY
from tests.trainings import direction_of

SMALL = ["generated.train_pairs=8000", "generated.held_out_pairs=200", "generated.mono_lines=0"]
SHORT = ["train.max_updates=300", "train.batch_tokens=2048", "train.validate_every=100"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["transformer-tiny", "lstm", "gru", "rnn", "conv"])
def test_a_shape_learns_the_phrasebook(preset, tmp_path):
    params = check_parameters(*resolve(REPOSITORY, [preset], [*SMALL, *SHORT]))
    sets = generate("en", "de", params.generated)
    train, validation = sets["train"], sets["validation"]
    tokenizer = train_tokenizer(train["source"], train["target"], params.tokenizer, 1, tmp_path / "tokenizer")
    shape = getattr(params, params.model.architecture)
    recipe = Recipe(preset, params.model.architecture, shape, params.train, RUNTIME)
    direction = direction_of(tokenizer, real=train, validation=validation)
    points = fit(direction, recipe, task="translation", origin={}, work=tmp_path, out=tmp_path / "out")
    assert points[-1].validation_loss < 0.3 * math.log(tokenizer.target_size)  # of a model that knows nothing
