"""Learning curves: as files, and against guessing."""

from dataclasses import replace

from seq2seq.core.params import dump_yaml
from seq2seq.training.learning_curve import Point, learned_nothing, read_curve, worse_than_guessing, write_curve
from tests.tiny_models import TRAINING


def test_a_curve_can_be_read_back_and_an_empty_one_has_its_header(tmp_path):
    header = "update,epoch,lr,train_loss,validation_loss,unigram_loss,validation_score"
    points = [Point(5, 1, 0.5, 3.0, 2.0, 4.0), Point(10, 2, 0.25, 1.0, 1.5, 4.0, 20.0)]
    write_curve(tmp_path / "curve.csv", points)
    assert (tmp_path / "curve.csv").read_text().splitlines()[:2] == [header, "5,1,0.5,3.0,2.0,4.0,"]
    assert read_curve(tmp_path / "curve.csv") == points
    write_curve(tmp_path / "curve.csv", [])
    assert (tmp_path / "curve.csv").read_text() == f"{header}\n"


def test_each_checkpoint_that_is_kept_has_to_beat_guessing():
    losses = [4.0, 6.0, 2.0, 3.0]
    points = [Point(number, 1, 0.1, 1.0, loss, 5.0) for number, loss in enumerate(losses)]
    assert [bool(worse_than_guessing(points, averaged)) for averaged in (1, 3, 4)] == [False, False, True]
    by_score = [replace(point, validation_score=point.validation_loss) for point in points]
    assert worse_than_guessing(by_score, 1).startswith("the validation loss is 6.00 nats per target piece at update 1,")


def test_a_finished_training_is_judged_by_as_many_checkpoints_as_it_averages(tmp_path):
    curve = tmp_path / "curve.csv"
    params = tmp_path / "params.yaml"
    params.write_text(
        dump_yaml(
            {f"averages_{count}": TRAINING.model_dump() | {"average_checkpoints": count} for count in (1, 2)},
        )
    )
    write_curve(curve, [Point(1, 1, 0.1, 1.0, 4.0, 5.0), Point(2, 1, 0.1, 1.0, 6.0, 5.0)])
    assert learned_nothing(curve, params, "averages_1") == ""
    assert "6.00 nats per target piece at update 2" in learned_nothing(curve, params, "averages_2")
    write_curve(curve, [])
    assert learned_nothing(curve, params, "averages_2") == ""
