"""Scores of translated sets."""

from seq2seq.evaluation.evaluate import score_sets
from seq2seq.metrics.scores import EvaluationParams, score
from tests.tiny_models import tiny_corpus


def test_sets_are_scored_as_params_ask():
    corpus = tiny_corpus()[["source", "target"]]
    frame = corpus.assign(prediction=corpus["target"].str.replace("Katze", "Tante"), truncated=False)
    for samples, seed, rouge in ((100, 1, False), (100, 2, True), (150, 2, False)):
        params = EvaluationParams(sets=["test"], rouge=rouge, bootstrap_samples=samples, seed=seed)
        expected = score(frame["prediction"].tolist(), frame["target"].tolist(), "de", samples, seed, rouge)
        assert score_sets({"news": frame}, "de", params) == {"news": expected | {"truncated": 0}}
