import pandas as pd
import pytest

from seq2seq.bundles.pytorch import load_model
from seq2seq.inference.translator import Translator
from seq2seq.metrics.scores import quick_score
from seq2seq.training.data import Direction
from seq2seq.training.distributed import ALONE
from seq2seq.training.validation_score import GREEDY, GreedyScore
from tests.tiny_models import LANGUAGES, RUNTIME, tiny_corpus
from tests.trainings import CPU


def test_a_model_in_training_is_scored_as_it_will_be_evaluated(trained):
    model, tokenizer = load_model(trained[0])
    odd = pd.DataFrame(
        {"source": ["the cat sees the sea . " * 30, "\u200b"], "target": ["die Katze malt das Meer .", "x"]}
    )
    frame = pd.concat([tiny_corpus()[:3], odd], ignore_index=True)
    direction = Direction(LANGUAGES, tokenizer, lambda: [], lambda: [], lines=0, validation=frame, tag=False)
    outputs = Translator.load(trained[0], RUNTIME).translate(frame["source"].tolist(), GREEDY)
    assert [bool(one) for one in outputs] == [True] * 4 + [False]
    expected = quick_score(outputs, [[text] for text in frame["target"]], "de", "chrf")
    assert GreedyScore("chrf", direction, CPU, ALONE)(model) == pytest.approx(expected)


def test_bleu_cuts_words_as_the_target_language_does(trained):
    model, tokenizer = load_model(trained[0])
    thai = LANGUAGES.model_copy(update={"target": "th"})  # BLEU counts its characters
    frame = tiny_corpus()[:6]
    direction = Direction(thai, tokenizer, lambda: [], lambda: [], lines=0, validation=frame, tag=False)
    outputs = Translator.load(trained[0], RUNTIME).translate(frame["source"].tolist(), GREEDY)
    references = [[text] for text in frame["target"]]
    by_characters, by_words = (quick_score(outputs, references, code, "bleu") for code in ("th", "en"))
    assert by_characters != pytest.approx(by_words)
    assert GreedyScore("bleu", direction, CPU, ALONE)(model) == pytest.approx(by_characters)
