"""Scores of translated sets."""

from seq2seq.evaluation.evaluate import score_sets
from seq2seq.metrics.scores import EvaluationParams, score
from seq2seq.text.corpus import gather_references
from tests.tiny_models import tiny_corpus


def test_sets_are_scored_as_params_ask():
    corpus = tiny_corpus()
    outputs = corpus["target"].str.replace("Katze", "Tante")
    frame = gather_references(corpus).assign(prediction=outputs, truncated=False)
    for samples, seed, rouge in ((100, 1, False), (100, 2, True), (150, 2, False)):
        params = EvaluationParams(sets=["test"], rouge=rouge, bootstrap_samples=samples, seed=seed, scorers=[])
        expected = score(frame["prediction"].tolist(), frame["references"].tolist(), "de", samples, seed, rouge)
        assert score_sets({"news": frame}, "de", params) == {"news": expected | {"truncated": 0}}
