"""What a student learns from, and what it is."""

import sys
from types import SimpleNamespace

import pytest
import torch

from seq2seq.bundles.manifest import read_manifest
from seq2seq.bundles.pytorch import load_model
from seq2seq.core.errors import UserError
from seq2seq.core.params import dump_yaml, overlay, read_yaml
from seq2seq.synthesis.distillation import distil, load_teacher, nearest_hypotheses
from seq2seq.synthesis.student import StudentParams, find_teachers
from seq2seq.text.corpus import read_corpus, write_corpus
from tasks import distil as distil_stage
from tasks import train_student
from tests.tiny_models import DECODING, RUNTIME, tiny_corpus
from tests.toy_project import REPOSITORY

SMALL = {
    "student": {"enabled": True, "encoder_layers": 2, "width": 16, "heads": 2, "feed_forward": 32, "max_updates": 4},
    "train": {"validate_every": 2, "warmup_updates": 2, "batch_tokens": 1024},
    "runtime": {"threads": 1},
    "decoding": {"max_length_factor": 0.5},
}


class Teacher:
    """Has the same outputs for every source, and counts what it is asked."""

    def __init__(self, *outputs):
        self.outputs = [SimpleNamespace(text=text) for text in outputs]
        self.asked = []

    def nbest(self, sources, decoding):
        self.asked += sources
        return [self.outputs if source else [] for source in sources]


def test_the_hypothesis_nearest_to_the_target_is_taken():
    teacher = Teacher("ein Hund", "eine Katze", "ein Hund malt")
    sources, targets = ["a dog paints", "a cat", "", "both"], ["ein Hund malt", "die Katze", "bleibt", "ÖÖÖ"]
    # nothing is near to the last target, so the teacher's best output stays
    assert nearest_hypotheses(teacher, sources, targets, DECODING) == [
        "ein Hund malt", "eine Katze", "bleibt", "ein Hund",
    ]  # fmt: skip


def test_finished_shards_are_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr("seq2seq.synthesis.distillation.SHARD_LINES", 9)
    frame = tiny_corpus().head(20)
    teacher = Teacher("ein Hund")
    first = list(distil(teacher, [frame], len(frame), DECODING, tmp_path))
    assert [len(one) for one in first] == [9, 9, 2]
    assert teacher.asked == frame["source"].tolist()
    (tmp_path / "shard-00001.json").unlink()
    again = list(distil(teacher, [frame], len(frame), DECODING, tmp_path))
    assert teacher.asked == [*frame["source"], *frame["source"][9:18]]
    assert all(one.equals(other) for one, other in zip(first, again, strict=True))


def test_a_folder_of_bundles_is_an_ensemble(bundle, tmp_path):
    assert find_teachers(bundle) == [bundle]
    with pytest.raises(UserError, match=r"student\.teacher is .*, where there is no bundle"):
        find_teachers(tmp_path)
    for name in ("b", "a"):
        (tmp_path / name).symlink_to(bundle)
    assert [path.name for path in find_teachers(tmp_path)] == ["a", "b"]
    alone = load_teacher([bundle], RUNTIME, tmp_path / "work").translate(["the dog paints"], DECODING)
    assert load_teacher(find_teachers(tmp_path), RUNTIME, tmp_path).translate(["the dog paints"], DECODING) == alone


def test_heads_must_divide_the_width_of_a_student():
    params = StudentParams(**read_yaml(REPOSITORY / "params.yaml")["student"] | {"heads": 5})
    with pytest.raises(UserError, match="width 72 must be a multiple of the number of heads, 5"):
        params.shape(None)


@pytest.fixture
def project(tmp_path, monkeypatch, bundle, tokenizer):
    for split in ("train", "validation"):
        write_corpus(tmp_path / "data/clean" / split, [tiny_corpus()])
    (tmp_path / "models").mkdir()
    (tmp_path / "models/forward").symlink_to(bundle)
    tokenizer.save(tmp_path / "models/tokenizer")
    (tmp_path / "code").mkdir()
    for program in ("distil", "train_student"):
        (tmp_path / "code" / f"{program}.txt").write_text("the fingerprint of a stage's code\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_stages(project, monkeypatch, **student):
    tree = overlay(overlay(read_yaml(REPOSITORY / "params.yaml"), SMALL, "test"), {"student": student}, "test")
    (project / "params.yaml").write_text(dump_yaml(tree))
    stages = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
    for stage in (distil_stage, train_student):
        name = stage.__name__.removeprefix("tasks.")
        monkeypatch.setattr(sys, "argv", stages[name]["cmd"].split()[2:])
        stage.main()


def test_a_student_is_trained_in_its_own_shape(project, monkeypatch):
    run_stages(project, monkeypatch)
    distilled = read_corpus(project / "data/distilled")
    assert distilled["source"].tolist() == tiny_corpus()["source"].tolist()
    assert set(distilled["origin"]) == {"distilled"}
    student = read_manifest(project / "models/student")
    assert {name: student.model[name] for name in ("encoder_layers", "decoder_layers", "width")} == {
        "encoder_layers": 2, "decoder_layers": 1, "width": 16,
    }  # fmt: skip
    assert (project / "reports/curves/student.csv").read_text().count("\n") == 3


def test_a_student_that_is_switched_off_costs_nothing(project, monkeypatch):
    run_stages(project, monkeypatch, enabled=False)
    assert read_corpus(project / "data/distilled").empty
    assert [path.name for path in (project / "models/student").iterdir()] == ["nothing.txt"]


def test_a_pruned_student_begins_with_what_its_teacher_knows(project, monkeypatch, bundle):
    shape = read_manifest(bundle).model
    kept = {name: shape[name] for name in ("width", "heads", "encoder_layers", "feed_forward")}
    tree = read_yaml(REPOSITORY / "params.yaml")["transformer"]
    same = {name: shape[name] for name in tree if name not in ("dropout", *kept, "decoder_layers")}
    monkeypatch.setitem(SMALL, "transformer", same)
    with pytest.raises(UserError, match="its width is 16 and its teacher's"):
        run_stages(project, monkeypatch, start="pruned")
    run_stages(project, monkeypatch, start="pruned", lr=1e-9, max_updates=1, **kept)
    teacher, student = (load_model(folder)[0].weights() for folder in (bundle, project / "models/student"))
    for name, weight in student.items():  # a step so small changes nothing
        assert torch.allclose(weight, teacher[name], atol=1e-6)
