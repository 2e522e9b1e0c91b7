"""What a run says at its end."""

import shutil

from flows.summary import describe
from registry.judging import Decision
from registry.versions import CHALLENGER, CHAMPION
from seq2seq.core.files import write_json
from seq2seq.core.params import dump_yaml, overlay, parse_yaml
from seq2seq.training.learning_curve import Point, write_curve
from tests.toy_project import REPOSITORY

SCORE = {
    "bleu": 10.0,
    "bleu_low": 9.0,
    "bleu_high": 11.0,
    "bleu_lc": 12.0,
    "chrf": 30.0,
    "ter": 70.0,
    "exact_match": 5.0,
    "own": 0.816,  # of a scorer
    "own_low": 0.8,
    "own_high": 0.83,
}
UNDEFINED = (
    SCORE
    | dict.fromkeys(["bleu", "bleu_low", "bleu_high", "bleu_lc", "ter"])
    | {"bleu_undefined": "no reference has 4 words"}
)


def test_what_is_undefined_or_was_not_learned_is_said(tmp_path):
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    write_json(tmp_path / "reports/quality.json", {"float32": {"words": UNDEFINED, "news": SCORE}})
    write_json(tmp_path / "reports/registration.json", {"name": "toy"})
    write_curve(tmp_path / "reports/curves/forward.csv", [Point(10, 1, 0.9, 70.0, 60.0, 8.0)])
    write_curve(tmp_path / "reports/curves/backward.csv", [])
    write_json(tmp_path / "reports/choice.json", {"name": "float32", "warning": "no candidate is good enough"})
    text = describe(tmp_path, Decision(1, CHALLENGER, "because"))
    words, news = (line for line in text.splitlines() if "float32" in line)
    assert words.split()[:8] == ["words", "float32", "undefined", "undefined", "30.0", "undefined", "5.0", "0.82"]
    assert news.split()[:3] == ["news", "float32", "10.0"]
    assert "warning: BLEU is undefined on words: no reference has 4 words" in text
    assert "warning: the forward model has learned nothing: the validation loss is 60.00" in text
    assert "warning: no candidate is good enough" in text
    assert "backward" not in text
    assert "-m serving --model toy@challenger " in text  # there may be no champion
    assert "@challenger" not in describe(tmp_path, Decision(1, CHAMPION, "because"))

    write_json(tmp_path / "reports/quality.json", {"float32": {"news": SCORE}})
    write_json(tmp_path / "reports/choice.json", {"name": "int8", "warning": ""})
    write_curve(tmp_path / "reports/curves/forward.csv", [Point(10, 1, 0.1, 7.0, 6.0, 8.0)])
    assert "warning" not in describe(tmp_path, None)


def test_each_checkpoint_that_is_averaged_has_to_beat_guessing(tmp_path):
    params = (REPOSITORY / "params.yaml").read_text()
    write_curve(tmp_path / "reports/curves/forward.csv", [Point(10, 1, 0.1, 9, 9, 8), Point(20, 1, 0.1, 6, 6, 8)])
    for averaged, said in ((1, False), (2, True)):
        tree = overlay(parse_yaml(params), {"train": {"average_checkpoints": averaged}}, "test")
        (tmp_path / "params.yaml").write_text(dump_yaml(tree))
        assert ("the forward model has learned nothing" in describe(tmp_path, None)) is said
