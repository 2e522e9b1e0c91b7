"""Scores of translated sets."""

from seq2seq.evaluation.evaluate import add_perturbed, score_sets
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


def test_what_becomes_of_perturbed_sources_is_a_column_and_its_progress_is_shown(capsys):
    class Loud:
        def translate(self, texts, _decoding, progress):
            progress.add(len(texts))
            return [f"{text}!" for text in texts]

    frame = tiny_corpus().head(3).assign(prediction="as it was")
    made = add_perturbed(frame, Loud(), None, "gate")
    assert made["capitals"].tolist() == [f"{source.upper()}!" for source in frame["source"]]
    assert capsys.readouterr().err.count("gate, perturbed: 3 of 3 sentences") >= 1
