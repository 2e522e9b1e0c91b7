import warnings
from types import SimpleNamespace

import pandas as pd
import pytest

from registry.pyfunc_model import TranslationModel
from seq2seq.inference.translator import Translator
from tests.tiny_models import DECODING, RUNTIME, SMALL

LONG = "the cat sees the sea . " * 50


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


def test_a_warning_tells_of_texts_that_are_cut(model):
    rows = pd.DataFrame({"source": ["the king", LONG, LONG]})
    told = rf"2 of 3 texts \(the first is row 1\) are longer than the {SMALL.max_length} pieces"
    with pytest.warns(UserWarning, match=told):
        model.predict(None, rows)
