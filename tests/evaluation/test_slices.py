import numpy as np
import pandas as pd
import pytest

from seq2seq.evaluation.slices import Kept, cut_slices
from seq2seq.metrics.string_metrics import metric_of
from seq2seq.release.gate import Answer, compare, worse_slices

SETTINGS = {"confidence": 0.95, "samples": 400, "seed": 1}


@pytest.mark.parametrize(
    ("what", "source", "references", "output", "kept", "wanted"),
    [
        ("numbers", "It costs 1,500 euros at 12:30", ["Es kostet 1.500 Euro um 12:30"], "Es kostet 1.500 Euro", 1, 2),
        ("numbers", "Call 112", ["Ruf die Polizei"], "Ruf 112", 0, 0),  # the reference says it otherwise
        ("numbers", "7 or 7", ["7 oder 7"], "7", 1, 2),
        ("placeholders", "%(name)s has {0} <b>x</b>", ["{0} hat %(name)s <b>x</b>"], "%(name)s hat <b>x", 2, 4),
        ("names", "Then Ann met Tom in Rome", ["Dann traf Ann Tom in Rom"], "Dann traf Ann ihn", 1, 2),
        ("names", "Monday is fine", ["Monday ist gut"], "gut", 0, 0),  # any word is in capitals there
        ("numbers", "5 or 6", ["5 oder 6", "5 oder sechs"], "5", 1, 1),  # only what every reference keeps
    ],
)
def test_what_must_be_kept_is_what_source_and_references_share(what, source, references, output, kept, wanted):
    assert Kept(what, [source]).statistics([output], [references]).tolist() == [[kept, wanted]]


def test_where_nothing_is_to_be_kept_the_share_is_undefined():
    kept = Kept("numbers", ["no digits"])
    assert kept.why_undefined(np.array([0.0, 0.0])) == "no line has numbers to keep"
    assert kept.score(np.array([3.0, 4.0])) == 75


def frames(lines=80):
    """A candidate that loses every number, and its opponent; the lines have many lengths."""
    sources = [f"row {n} of the list" + " and so on" * (n % 9) for n in range(lines)]
    targets = [f"Zeile {n} der Liste" + " und so weiter" * (n % 9) for n in range(lines)]
    theirs = pd.DataFrame({"source": sources, "prediction": targets, "origin": ["a", "b"] * (lines // 2)})
    losing = [target.replace(str(n), "") for n, target in enumerate(targets)]
    return theirs.assign(prediction=losing), theirs, [[target] for target in targets]


def slices_of(side, references):
    metric = metric_of("chrf", "de")
    return cut_slices(side, references, metric, metric.statistics(side["prediction"].tolist(), references))


def compared(ours, theirs, references):
    others = slices_of(theirs, references)
    return {
        name: compare(one.metric, one.counts, others[name].counts, **SETTINGS)
        for name, one in slices_of(ours, references).items()
    }


def test_a_candidate_that_loses_numbers_is_told_so():
    ours, theirs, references = frames()
    found = compared(ours, theirs, references)
    assert set(found) == {"short sources", "long sources", "corpus a", "corpus b", "numbers kept"}
    assert "numbers kept" in worse_slices(found, 0.95)
    assert found["numbers kept"].delta == -100
    same = compared(theirs, theirs, references)
    assert worse_slices(same, 0.95) == []
    assert all(one.answer(1.0) is Answer.NO_WORSE for one in same.values())


def test_perturbed_sources_make_a_slice_where_they_were_translated():
    ours, _, references = frames()
    assert "sources with capitals" not in slices_of(ours, references)
    ours["capitals"] = [texts[0].upper() for texts in references]  # right, in capitals
    one = slices_of(ours, references)["sources with capitals"]
    assert len(one.counts) == len(ours)
    assert float(one.metric.score(one.counts.sum(axis=0))) == pytest.approx(100)


def test_a_text_without_a_long_word_has_no_slip_and_is_not_in_that_slice():
    frame = pd.DataFrame({"source": ["so it is", "tomorrow"], "prediction": ["x", "y"], "slips": ["x", "y"]})
    assert len(slices_of(frame, [["x"], ["y"]])["sources with slips"].counts) == 1
