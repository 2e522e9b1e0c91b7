import warnings
from types import SimpleNamespace

import pandas as pd
import pytest

from registry.pyfunc_model import TranslationModel
from seq2seq.inference.translator import Translator
from tests.tiny_models import DECODING, RUNTIME, SMALL

LONG = "the cat sees the sea . " * 50
LONG_SENTENCE = "the cat sees the sea and " * 50


@pytest.fixture
def model(trained):
    params = DECODING.model_dump() | RUNTIME.model_dump()
    model = TranslationModel()
    model.load_context(SimpleNamespace(model_config=params, artifacts={"bundle": str(trained[1])}))
    return model


def test_texts_without_any_are_answered_by_none_and_leave_the_others_alone(model, trained):
    seen = ["the king sees 12 books .", "a dog paints the sea ."]
    expected = Translator.load(trained[1], RUNTIME).translate(seen, DECODING)
    rows = pd.DataFrame({"source": [seen[0], "\u200b", None, "", seen[1]]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.predict(None, rows)["target"].tolist() == [expected[0], "", "", "", expected[1]]


def test_a_warning_tells_of_sentences_that_are_too_long_and_all_of_them_is_translated(model):
    rows = pd.DataFrame({"source": ["the king", LONG_SENTENCE, LONG]})
    told = rf"1 of 3 texts \(the first is row 1\) are longer than the {SMALL.max_length} pieces .* sentences were split"
    with pytest.warns(UserWarning, match=told):
        outputs = model.predict(None, rows)["target"].tolist()
    assert all(len(output.split()) > SMALL.max_length for output in outputs[1:])


def test_where_texts_are_not_split_a_warning_tells_of_those_that_are_cut(model, monkeypatch):
    monkeypatch.setattr(type(model.translator.splitter), "splits", False)
    rows = pd.DataFrame({"source": ["the king", LONG, LONG]})
    told = rf"2 of 3 texts \(the first is row 1\) are longer than the {SMALL.max_length} pieces .* ends were cut off"
    with pytest.warns(UserWarning, match=told):
        model.predict(None, rows)
