from typing import Literal

import pytest
from dvc.utils.serialize import loads_yaml
from pydantic import Field, model_validator

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section, dump_yaml, load_section, overlay, parse_assignment, parse_yaml, read_yaml


class Sample(Section):
    lr: float = Field(gt=0, le=1)
    steps: int = Field(ge=1)
    kind: Literal["a", "b"]

    @model_validator(mode="after")
    def _check(self):
        if self.kind == "b" and self.steps > 5:
            raise ValueError("b takes 5 steps at most")
        return self


GOOD = "sample:\n  lr: 1e-3\n  steps: 5\n  kind: a\n"


def load(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return load_section(path, "sample", Sample)


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "0.001", ".001", "1.0e-03"])
def test_every_spelling_of_a_float_is_a_float(tmp_path, text):
    assert load(tmp_path, GOOD.replace("1e-3", text)).lr == 0.001


def test_words_that_look_like_numbers_stay_words(tmp_path):
    path = tmp_path / "words.yaml"
    path.write_text("a: e5\nb: 1.2.3\nc: '1e-3'\nd: 12\n")
    assert read_yaml(path) == {"a": "e5", "b": "1.2.3", "c": "1e-3", "d": 12}


SCALARS = (
    "no off yes on No ON y true True FALSE tRue 010 08 -010 +5 0o17 0x1F 0XFF 0b11 1e-3 1E3 .5 .5e3 5. 1_000 1_0.5 _1 "
    "~ null Null 12:30 1:30.5 190:20:30 2024-01-01 .inf .nan 1.2.3 e5"
)


@pytest.mark.parametrize("scalar", SCALARS.split())
def test_every_scalar_is_read_as_dvc_reads_it_and_survives_as_a_word(scalar):
    text = f"key: {scalar}\n"
    assert repr(parse_yaml(text)) == repr(loads_yaml(text))
    word = dump_yaml({"key": scalar})
    assert parse_yaml(word) == loads_yaml(word) == {"key": scalar}
    assert ("'" in word) == (loads_yaml(text) != {"key": scalar})  # quoted only where it must be


def test_values_are_written_as_both_readers_read_them():
    tree = {"z": 1e-05, "b": 1e20, "c": True, "d": 10, "e": None, "f": float("inf"), "g": [1.0, "no", "line\n"]}
    tree |= {"h": {}, "i": [], "j": "é 中 😀 \u2028\x85", "k": "", "l": "a: b #c", "m": "x" * 1500 + " " + "y" * 1500}
    text = dump_yaml(tree)
    assert parse_yaml(text) == loads_yaml(text) == tree
    assert list(parse_yaml(text)) == list(tree)  # a copy's params.yaml keeps the order of ours
    assert "é 中" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "  step: 3\n", r"unknown key 'sample\.step'; did you mean 'steps'\?"),
        (GOOD.replace("  steps: 5\n", ""), r"'sample\.steps' is missing"),
        (GOOD.replace("1e-3", "-1"), r"'sample\.lr' is -1: input should be greater than 0"),
        (GOOD.replace("kind: a", "kind: c"), r"'sample\.kind' is 'c': input should be 'a' or 'b'"),
        (GOOD.replace("1e-3", "-.inf"), r"'sample\.lr' is -inf: input should be a finite number"),
        (GOOD.replace("1e-3", "true"), r"'sample\.lr' is True: write a number"),
        (GOOD.replace("5", "many"), r"'sample\.steps' is 'many': input should be a valid integer"),
        (GOOD.replace("5", "6").replace("kind: a", "kind: b"), r"params\.yaml: 'sample': b takes 5 steps at most$"),
        (GOOD.replace("5", "2024-02-30"), r"is not valid YAML: day"),
        ("other: 1\n", r"section 'sample' is missing"),
        (GOOD + "  lr: 1\n", r'is not valid YAML: line 5: found duplicate key "lr" with value "1" \(original .*\)$'),
        ("sample: [", r"is not valid YAML: line 2: did not find expected node content$"),
        ("- 1\n", r"must hold a mapping of sections, not list"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_key(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "params.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match="repository's root folder"):
        load_section(tmp_path / "params.yaml", "sample", Sample)


def test_overlays_merge_sections_and_replace_the_rest():
    base = {"train": {"lr": 1.0, "steps": 5}, "names": ["a", "b"]}
    assert overlay(base, {"train": {"lr": 2.0}, "names": ["c"]}, "x") == {
        "train": {"lr": 2.0, "steps": 5},
        "names": ["c"],
    }
    assert base["train"]["lr"] == 1.0


def test_an_overlay_with_an_unknown_key_names_its_file_and_the_likely_key():
    with pytest.raises(UserError, match=r"presets/x\.yaml: train: unknown key 'lrr'; did you mean 'lr'\?"):
        overlay({"train": {"lr": 1.0}}, {"train": {"lrr": 2.0}}, "presets/x.yaml")
    with pytest.raises(UserError, match="'train' is a section with keys lr, not 5"):
        overlay({"train": {"lr": 1.0}}, {"train": 5}, "x")


def test_assignments_are_yaml():
    assert parse_assignment("train.lr=3e-4") == {"train": {"lr": 3e-4}}
    assert parse_assignment("corpora.names=[a, b]") == {"corpora": {"names": ["a", "b"]}}
    assert parse_assignment("languages.target=no") == {"languages": {"target": "no"}}
    for text in ("train.lr", "=3", "train.lr=[1", "train.lr=2024-02-30", "train={lr: 1, lr: 2}"):
        with pytest.raises(UserError, match="--set"):
            parse_assignment(text)


def test_an_unknown_key_that_is_like_no_other_is_told_with_those_that_there_are():
    with pytest.raises(UserError, match="unknown key 'benchmark'; known keys: task, train"):
        overlay({"train": {}, "task": {}}, {"benchmark": 1}, "here")


def test_an_empty_mapping_takes_keys_of_the_users_own():
    base = {"cleaning": {"max_words": 100, "corpora": {}}}
    laid = overlay(base, {"cleaning": {"corpora": {"web": {"max_words": 50}}}}, "--set")
    assert laid == {"cleaning": {"max_words": 100, "corpora": {"web": {"max_words": 50}}}}
    with pytest.raises(UserError, match="'corpora' is a section, not 5"):
        overlay(base, {"cleaning": {"corpora": 5}}, "--set")
