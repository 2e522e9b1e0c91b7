import pandas as pd
import pytest

from seq2seq.core.errors import UserError
from seq2seq.text.corpus import (
    count_lines,
    gather_references,
    pairs,
    partitions,
    read_corpus,
    read_partitions,
    swap,
    write_corpus,
)


def lines(count):
    return pairs([f"source {n}" for n in range(count)], [f"Ziel {n}" for n in range(count)], "made")


def test_a_corpus_comes_back_as_written(tmp_path):
    assert write_corpus(tmp_path / "c", [lines(25)], rows=10) == 25
    assert [len(frame) for frame in read_partitions(tmp_path / "c")] == [10, 10, 5]
    pd.testing.assert_frame_equal(read_corpus(tmp_path / "c"), lines(25))
    assert count_lines(tmp_path / "c") == 25


def test_the_bytes_do_not_depend_on_how_lines_were_cut_into_frames(tmp_path):
    write_corpus(tmp_path / "one", [lines(25)], rows=10)
    write_corpus(tmp_path / "many", (lines(25)[start : start + 4] for start in range(0, 25, 4)), rows=10)
    for one, other in zip(partitions(tmp_path / "one"), partitions(tmp_path / "many"), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_an_empty_or_absent_corpus_has_columns_and_no_rows(tmp_path):
    write_corpus(tmp_path / "empty", [])
    for folder in (tmp_path / "empty", tmp_path / "absent"):
        frame = read_corpus(folder)
        assert list(frame.columns) == ["source", "target", "origin"]
        assert len(frame) == 0


def test_swap_turns_the_direction(tmp_path):
    assert swap(lines(2))["source"].tolist() == ["Ziel 0", "Ziel 1"]


def test_a_damaged_partition_is_named(tmp_path):
    write_corpus(tmp_path, [lines(2)])
    partitions(tmp_path)[0].write_bytes(b"PAR1 nonsense")
    with pytest.raises(UserError, match=r"part-00000\.parquet is damaged"):
        read_corpus(tmp_path)


def test_the_targets_of_one_source_become_references_of_one_line():
    frame = pairs(["a", "b", "a", "c", "a"], ["1", "2", "3", "4", "1"], "made")
    found = gather_references(frame)
    assert found["source"].tolist() == ["a", "b", "c"]
    assert found["references"].tolist() == [["1", "3"], ["2"], ["4"]]
    assert found["origin"].tolist() == ["made"] * 3


def test_pairs_that_repeat_and_empty_sides_stay_lines_of_their_own():
    frame = pairs(["a", "a", "", "", "b", "b", "A"], ["1", "1", "2", "3", "", "4", "5"], "made")
    found = gather_references(frame)
    assert found["source"].tolist() == frame["source"].tolist()
    assert found["references"].tolist() == [[target] for target in frame["target"]]


def test_an_empty_reference_beside_two_others_is_none():
    found = gather_references(pairs(["a"] * 3, ["1", "", "2"], "made"))
    assert found["references"].tolist() == [["1", "2"]]


def test_no_pairs_are_no_lines():
    assert gather_references(pairs([], [], "made")).columns.tolist() == ["source", "references", "origin"]
