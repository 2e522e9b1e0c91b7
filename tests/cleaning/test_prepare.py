import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seq2seq.cleaning.params import CleaningParams
from seq2seq.cleaning.prepare import prepare
from seq2seq.cleaning.splitting import choose_held_out, deal, hash_sources
from seq2seq.cleaning.tally import EXAMPLE_CHARACTERS
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json, sha256_tree
from seq2seq.metrics.scores import quick_score, score
from seq2seq.text.corpus import folders, gather_references, pairs, read_corpus, write_corpus
from seq2seq.text.normalization import normalise
from tests.cleaning.test_near_duplicates import sentence
from tests.tiny_models import CLEANING, LANGUAGES

ROOT = Path(__file__).parents[2]


def params(**changes: Any) -> CleaningParams:
    return CLEANING.model_copy(update=changes)


def numbered(count: int, start: int = 0) -> list[tuple[str, str]]:
    return [(f"sentence number {n} here", f"hier der Satz Nummer {n}") for n in range(start, start + count)]


def write(folder: Path, lines: list[tuple[str, str]], rows: int = 7) -> None:
    """One raw corpus, in small partitions so that every test crosses their borders."""
    shutil.rmtree(folder, ignore_errors=True)
    sources, targets = zip(*lines, strict=True) if lines else ((), ())
    write_corpus(folder, [pairs(sources, targets, folder.name)], rows=rows)


def write_mono(folder: Path, lines: list[str]) -> None:
    write(folder, [("", line) for line in lines])


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A corpus with published sets of its own."""
    raw = tmp_path / "raw"
    write(raw / "train/news", numbered(60))
    for number, place in enumerate(["validation/news", "gate/news", "test/news_2020"]):
        write(raw / place, numbered(5, start=1000 + 10 * number))
    return raw


def clean(raw: Path, **changes: Any) -> tuple[Path, dict[str, Any]]:
    out = raw.parent / "clean"
    return out, prepare(raw, out, params(**changes), LANGUAGES)


def lines(folder: Path) -> list[tuple[str, str]]:
    return list(read_corpus(folder)[["source", "target"]].itertuples(index=False, name=None))


def dropped(report: dict[str, Any]) -> dict[str, int]:
    return {name: entry["dropped"] for name, entry in report["filters"].items()}


def test_training_lines_are_normalised_and_duplicates_dropped_across_partitions_and_corpora(raw):
    write(
        raw / "train/alpha",
        [*numbered(30), ("e\u0301te\u00a0 1", "Sommer 1"), *numbered(30), ("\u00e9te 1", "Sommer\t1")],
    )
    write(raw / "validation/alpha", numbered(2, start=900))
    out, report = clean(raw)
    assert lines(out / "train") == [*numbered(30), ("éte 1", "Sommer 1"), *numbered(30, start=30)]
    assert read_corpus(out / "train")["origin"].tolist() == ["alpha"] * 31 + ["news"] * 30
    assert report["alpha"]["train"]["filters"]["duplicate"]["dropped"] == 31
    assert report["news"]["train"]["filters"]["duplicate"]["dropped"] == 30


def test_pairs_that_are_alike_only_when_joined_are_no_duplicates(raw):
    alike = [("on the carpet", "auf dem Teppich"), ("on the car", "petauf dem Teppich")]
    write(raw / "train/news", [*numbered(60), *alike])
    out, _ = clean(raw)
    assert set(alike) <= set(lines(out / "train"))


def test_published_sets_are_normalised_pass_whole_and_merge_by_split(raw):
    odd = [("  Spaced\u00a0out ", "A\u0308rger\u200b"), ("same", "same"), ("x", "lang " * 50), ("\u200f", "leer")]
    even = [("Spaced out", "Ärger"), ("same", "same"), ("x", ("lang " * 50).strip()), ("", "leer")]
    for place in ["validation/news", "gate/news", "test/news_2020"]:
        write(raw / place, odd * 3)
    write(raw / "validation/web", numbered(3, start=500))
    write(raw / "gate/web", numbered(4, start=600))
    write(raw / "train/web", numbered(5, start=700))
    out, report = clean(raw)
    assert lines(out / "validation") == even * 3 + numbered(3, start=500)
    assert lines(out / "gate") == even * 3 + numbered(4, start=600)
    assert lines(out / "test/news_2020") == even * 3
    assert [folder.name for folder in folders(out / "test")] == ["news_2020"]
    assert report["held_out"] == {
        "validation": {"lines": 15, "normalised": 9, "empty": 3},
        "gate": {"lines": 16, "normalised": 9, "empty": 3},
        "test/news_2020": {"lines": 12, "normalised": 9, "empty": 3},
    }


def test_a_perfect_output_scores_100_against_published_references(raw):
    hebrew = [
        ("I saw the film with my friends.", "\u200fראיתי את הסרט\u200f עם החברים שלי.\u200f"),
        ("The book is on the table in the room.", "הספר נמצא\u200f על השולחן\u200f בחדר."),
    ]
    write(raw / "test/news_2020", hebrew)
    out, _ = clean(raw)
    references = [[target] for _, target in lines(out / "test/news_2020")]
    outputs = [normalise(target) for _, target in hebrew]
    assert quick_score(outputs, references, "he", "bleu") == pytest.approx(100)
    assert quick_score(outputs, [[target] for _, target in hebrew], "he", "bleu") < 90


def test_outputs_equal_to_any_of_several_references_are_perfect_by_every_metric(raw):
    source, first = "I saw the film with my friends.", "\u200fראיתי את הסרט\u200f עם החברים שלי.\u200f"
    second = "\u200eצפיתי\u00a0בסרט  עם חברים\u200f שלי אתמול."
    write(raw / "test/news_2020", [(source, first), (source, second), ("Yes.", "כן\u200f.")])
    out, _ = clean(raw)
    found = gather_references(read_corpus(out / "test/news_2020"))
    assert found["source"].tolist() == [source, "Yes."]
    for text in (first, second):
        scores = score([normalise(text), "כן."], found["references"].tolist(), "he", samples=100, seed=1)
        assert [scores[name] for name in ("bleu", "bleu_lc", "chrf", "ter", "exact_match")] == [100, 100, 100, 0, 100]
        raw_scores = score([text, "כן."], found["references"].tolist(), "he", samples=100, seed=1)
        assert raw_scores["exact_match"] == 50


def test_a_held_out_line_that_was_not_normalised_does_not_leak(raw):
    write(raw / "test/news_2020", [("  A\u0308rger\u200b  everywhere ", "Überall\u00a0Trouble")])
    write(
        raw / "train/web",
        [("\u00c4rger everywhere", "anders"), ("another", "überall Trouble"), *numbered(3, start=200)],
    )
    write(raw / "validation/web", numbered(1, start=900))
    out, report = clean(raw)
    assert lines(out / "train")[-3:] == numbered(3, start=200)
    assert dropped(report["web"]["train"])["held_out"] == 2


def test_no_line_of_a_held_out_set_reaches_training_whatever_its_case_and_side(raw):
    leaks = [
        ("Sentence NUMBER 1001 here", "ganz anders gesagt"),  # a source of the validation set
        ("another way to say it", "HIER der\u00a0Satz Nummer 1011"),  # a target of the gate set
        ("sentence number 1021 here", "hier der Satz Nummer 1021"),  # a pair of the test set
    ]
    harmless = ("hier der Satz Nummer 1021", "sentence number 1021 here")  # sides are compared with their own
    write(raw / "train/web", [*leaks, harmless, *numbered(3, start=200)])
    write(raw / "validation/web", numbered(1, start=900))
    write_mono(raw / "mono/news", ["Neue Zeile", "hier der satz nummer 1001", "Hier der Satz Nummer 1023", "Noch eine"])
    out, report = clean(raw)
    assert lines(out / "train")[-4:] == [harmless, *numbered(3, start=200)]
    assert lines(out / "mono") == [("", "Neue Zeile"), ("", "Noch eine")]
    held_out = report["web"]["train"]["filters"]["held_out"]
    assert held_out["dropped"] == 3
    assert sorted(held_out["examples"]) == sorted([s, t.replace("\u00a0", " ")] for s, t in leaks)
    assert dropped(report["news"]["mono"])["held_out"] == 2


def test_a_held_out_line_that_is_not_normalised_leaks_no_more_than_its_normal_form(raw):
    write(raw / "gate/news", [("  Ein\u00a0Cafe\u0301\u200b ", "A  cafe\u0301,\u00adplease")])
    leaks = [("ein café", "something else"), ("etwas anderes", "A café,please")]
    write(raw / "train/web", [*leaks, *numbered(3, start=200)])
    write(raw / "validation/web", numbered(1, start=900))
    write_mono(raw / "mono/news", ["a CAFÉ,please", "Neue Zeile"])
    out, _ = clean(raw)
    assert lines(out / "train")[-4:] == [numbered(60)[-1], *numbered(3, start=200)]
    assert lines(out / "mono") == [("", "Neue Zeile")]


@pytest.mark.parametrize("nothing", ["", " \u200b "])
def test_a_held_out_pair_with_an_empty_source_keeps_its_target_out_and_no_other_line(raw, nothing):
    write(raw / "gate/news", [*numbered(2, start=1000), (nothing, "Ohne Quelle")])
    write_mono(raw / "mono/news", ["Ohne Quelle", "Neue Zeile", "Noch eine"])
    out, report = clean(raw)
    assert lines(out / "mono") == [("", "Neue Zeile"), ("", "Noch eine")]
    assert len(lines(out / "train")) == report["news"]["train"]["kept"] == 60


def test_where_answers_repeat_sources_alone_decide_what_leaks(raw):
    pairs_of_web = [("Sentence NUMBER 1001 here", "anders"), ("another question", "hier der Satz Nummer 1011")]
    write(raw / "train/web", pairs_of_web)
    write(raw / "validation/web", numbered(1, start=900))
    write_mono(raw / "mono/news", ["Neue Zeile", "hier der satz nummer 1001"])
    out, _ = clean(raw, drop_held_out_targets=False)
    assert lines(out / "train")[-1] == pairs_of_web[1]
    assert pairs_of_web[0] not in lines(out / "train")
    assert lines(out / "mono") == [("", "Neue Zeile")]  # it is nothing but a target


def test_monolingual_lines_that_training_has_are_dropped(raw):
    write_mono(raw / "mono/web", [numbered(60)[7][1], "Neu", "Neu ", "neu"])
    write_mono(raw / "mono/zeitung", ["Neu", "Noch etwas"])
    out, report = clean(raw)
    assert [target for _, target in lines(out / "mono")] == ["Neu", "neu", "Noch etwas"]
    assert dropped(report["web"]["mono"]) == {
        "empty": 0,
        "too_long": 0,
        "held_out": 0,
        "in_training": 1,
        "duplicate": 1,
    }
    assert dropped(report["zeitung"]["mono"])["duplicate"] == 1


def test_a_corpus_without_monolingual_lines_gets_an_empty_set_of_them(raw):
    out, _ = clean(raw)
    assert (out / "mono/part-00000.parquet").exists()
    assert lines(out / "mono") == []


@pytest.mark.parametrize("missing", ["validation", "gate"])
def test_a_corpus_with_one_of_validation_and_gate_gives_half_of_it_to_the_other(raw, missing):
    given = "gate" if missing == "validation" else "validation"
    all_lines = numbered(200, start=2000)
    write(raw / given / "news", all_lines)
    (raw / missing / "news").rename(raw.parent / "aside")
    out, report = clean(raw)
    validation, gate = lines(out / "validation"), lines(out / "gate")
    assert sorted(validation + gate) == sorted(all_lines)
    assert not set(validation) & set(gate)
    assert min(len(validation), len(gate)) > 60
    assert [line for line in all_lines if line in set(gate)] == gate  # in their order
    assert report["news"]["train"]["held_out"] == 0


def test_a_source_that_repeats_never_lies_in_both_of_them(raw):
    once = numbered(60, start=2000)
    again = [(source.upper() + "\u00a0", f"{target} anders") for source, target in once]
    write(raw / "validation/news", [pair for both in zip(once, again, strict=True) for pair in both])
    shutil.rmtree(raw / "gate/news")
    out, _ = clean(raw)
    validation, gate = ([source.strip().lower() for source, _ in lines(out / one)] for one in ("validation", "gate"))
    assert len(validation) + len(gate) == 120
    assert min(len(validation), len(gate)) > 20
    assert not set(validation) & set(gate)


def messages(count: int) -> list[tuple[str, str]]:
    """Short texts as in user interfaces: sources repeat in other cases and with other translations."""
    rng = random.Random(1)
    verbs, nouns = ["Open", "Close", "Save", "Print", "open"], [f"file {n}" for n in range(count // 4)]
    return [
        (f"{rng.choice(verbs)} {rng.choice(nouns)}", f"{rng.choice(['Datei', 'Akte'])} {rng.randrange(count)} {n}")
        for n in range(count)
    ]


def test_sets_are_taken_from_a_corpus_that_brings_none(tmp_path):
    write(tmp_path / "raw/train/app", messages(2000), rows=300)
    out, report = clean(tmp_path / "raw")
    held_out = {path: lines(out / path) for path in ("validation", "gate", "test/app_test")}
    assert report["held_out"] == {
        path: {"lines": len(found), "normalised": 0, "empty": 0} for path, found in held_out.items()
    }
    assert all(80 <= len(found) <= 100 for found in held_out.values())  # 5 % of 2000 at most
    train = lines(out / "train")
    tally = report["app"]["train"]
    assert tally["held_out"] == sum(map(len, held_out.values()))
    assert tally["kept"] == len(train)
    sides = [{source.lower() for source, _ in found} for found in [train, *held_out.values()]]
    assert not any(one & other for i, one in enumerate(sides) for other in sides[:i])
    taken = {target.lower() for found in held_out.values() for _, target in found}
    assert not taken & {target.lower() for _, target in train}


def test_all_targets_of_a_source_stay_in_one_set(tmp_path):
    several = [(source, f"{target}, {way}") for way in "xyz" for source, target in numbered(100)]
    write(tmp_path / "raw/train/own", several)
    out, _ = clean(tmp_path / "raw", drop_held_out_targets=False)
    sets = [lines(out / name) for name in ("train", "validation", "gate", "test/own_test")]
    found = [{source for source, _ in part} for part in sets]
    assert all(found)
    assert len(set.union(*found)) == sum(map(len, found)) == 100
    for part in sets:
        assert len(part) == 3 * len({source for source, _ in part})


def test_taken_sets_are_bounded_and_do_not_depend_on_the_order_of_lines(tmp_path):
    some = messages(2000)
    found = []
    for name, order in {"a": some, "b": some[::-1]}.items():
        write(tmp_path / name / "raw/train/app", order, rows=300)
        out, report = clean(tmp_path / name / "raw", held_out_at_most=30)
        assert all(20 <= counts["lines"] <= 30 for counts in report["held_out"].values())
        found.append([sorted(lines(out / path)) for path in ("validation", "gate", "test/app_test", "train")])
    assert found[0] == found[1]


def test_no_line_changes_from_one_held_out_set_to_another_when_a_corpus_grows():
    small = hash_sources(pd.Series([f"line {n}" for n in range(500)]))
    large = hash_sources(pd.Series([f"line {n}" for n in range(5000)]))
    before = deal(small, choose_held_out(small, params()))
    after = deal(large, choose_held_out(large, params(held_out_at_most=100)))[:500]
    both = (before >= 0) & (after >= 0)
    assert both.any() and (before[both] == after[both]).all()
    assert np.bincount(deal(large, choose_held_out(large, params(held_out_at_most=100))) + 1).tolist() == [
        4700,
        100,
        100,
        100,
    ]


def test_a_corpus_of_one_source_per_set_still_works(tmp_path):
    write(tmp_path / "raw/train/mine", numbered(10))
    out, report = clean(tmp_path / "raw")
    assert {path: counts["lines"] for path, counts in report["held_out"].items()} == {
        "validation": 1,
        "gate": 1,
        "test/mine_test": 1,
    }
    assert len(lines(out / "train")) == 7


def test_the_report_adds_up_and_shows_short_examples(raw):
    rng = random.Random(3)
    words = ["Haus", "house", "", " ", "\u00a0", "Ärger", "trouble", "我们", "x" * 300]
    noise = [
        (" ".join(rng.choices(words, k=rng.randint(0, 30))), " ".join(rng.choices(words, k=rng.randint(0, 30))))
        for _ in range(200)
    ]
    write(raw / "train/noise", noise)
    write_mono(raw / "mono/noise", [target for _, target in noise])
    out, report = clean(raw)
    assert list(report) == ["news", "noise", "held_out"]
    for corpus in ("news", "noise"):
        for tally in report[corpus].values():
            assert tally["lines_in"] == sum(dropped(tally).values()) + tally["held_out"] + tally["kept"]
            for entry in tally["filters"].values():
                assert len(entry["examples"]) == min(3, entry["dropped"])
                assert all(len(text) <= EXAMPLE_CHARACTERS for example in entry["examples"] for text in example)
    assert report["noise"]["train"]["lines_in"] == report["noise"]["mono"]["lines_in"] == 200
    assert sum(report[corpus]["train"]["kept"] for corpus in ("news", "noise")) == len(lines(out / "train"))
    assert report["noise"]["mono"]["kept"] == len(lines(out / "mono"))
    assert all(dropped(report["noise"]["train"])[name] for name in ("empty", "too_long", "length_ratio"))


def test_the_result_does_not_depend_on_how_raw_corpora_are_cut_into_partitions(tmp_path):
    found = []
    for rows in (5, 100_000):
        raw = tmp_path / str(rows) / "raw"
        write(raw / "train/app", messages(300), rows=rows)
        out, report = clean(raw)
        found.append((sha256_tree(out), report))
    assert found[0] == found[1]


def test_no_pairs_at_all_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"train has no pairs; check corpora"):
        clean(tmp_path / "raw")
    write(tmp_path / "raw/train/empty", [])
    with pytest.raises(UserError, match=r"train has no pairs; check corpora"):
        clean(tmp_path / "raw")


def test_a_damaged_partition_is_named(raw):
    (raw / "train/news/part-00003.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(UserError, match=r"part-00003.parquet is damaged"):
        clean(raw)


def test_when_nothing_is_left_the_worst_filter_is_named(raw):
    write(raw / "train/news", [("same", "same")] * 9 + [("", "leer")])
    with pytest.raises(UserError, match=r"none of 10 training pairs; the filter identical drops most, 9:"):
        clean(raw)
    write(raw / "train/news", numbered(5, start=1000))
    with pytest.raises(UserError, match=r"none of 5 training pairs; the filter held_out drops most, 5:"):
        clean(raw)


def test_a_set_without_lines_is_refused(raw):
    write(raw / "test/news_2020", [])
    with pytest.raises(UserError, match=r"the test/news_2020 set has no lines"):
        clean(raw)


@pytest.mark.parametrize("start", range(1000, 1006))  # whatever the hashes are
@pytest.mark.parametrize("split", ["validation", "gate"])
def test_two_held_out_lines_are_enough_for_validation_and_gate(raw, start, split):
    for place in ("validation/news", "gate/news"):
        shutil.rmtree(raw / place)
    write(raw / split / "news", numbered(2, start=start))
    out, report = clean(raw)
    assert [report["held_out"][name]["lines"] for name in ("validation", "gate")] == [1, 1]
    assert sorted(lines(out / "validation") + lines(out / "gate")) == numbered(2, start=start)


@pytest.mark.parametrize("count", [1, 3])
def test_one_held_out_source_can_not_be_shared_and_that_is_said(raw, count):
    shutil.rmtree(raw / "gate/news")
    write(raw / "validation/news", numbered(1) * count)
    with pytest.raises(UserError, match=f"bring {count} for validation and gate together, all with the same source"):
        clean(raw)


def test_a_missing_test_set_is_told_before_anything_is_trained(raw):
    shutil.rmtree(raw / "test/news_2020")
    with pytest.raises(UserError, match="there is no test set: corpora that bring a validation or a gate set have to"):
        clean(raw)


def test_two_pairs_are_too_few_to_hold_any_out(tmp_path):
    write(tmp_path / "raw/train/mine", numbered(2))
    with pytest.raises(UserError, match=r"set has no lines.* 2 pairs after filtering are too few"):
        clean(tmp_path / "raw")


def run_stage(folder: Path, hash_seed: str = "0") -> "subprocess.CompletedProcess[str]":
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    command = "-m tasks.clean --raw data/raw --out data/clean --report reports/cleaning.json"
    return subprocess.run(
        [sys.executable, *command.split()],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_stage_writes_the_same_bytes_in_any_folder_and_a_report(tmp_path):
    here, there = tmp_path / "here", tmp_path / "over/there"
    for seed, folder in enumerate([here, there]):
        write(folder / "data/raw/train/app", messages(200))
        write_mono(folder / "data/raw/mono/app", ["Eine Zeile", "Eine Zeile"])
        write(folder / "data/raw/test/blank", [("\u200b", "leer"), ("full", "voll")])
        done = run_stage(folder, hash_seed=str(seed))
        assert done.returncode == 0, done.stderr
        assert "clean: 1 of 2 lines of test/blank have an empty side" in done.stdout
    assert sha256_tree(here / "data/clean") == sha256_tree(there / "data/clean")
    assert sha256_tree(here / "reports") == sha256_tree(there / "reports")
    assert sorted(path.name for path in (here / "data/clean").iterdir()) == [
        "gate",
        "mono",
        "test",
        "train",
        "validation",
    ]
    assert read_json(here / "reports/cleaning.json")["app"]["mono"]["kept"] == 1


def test_the_stage_ends_a_users_mistake_with_one_line_and_leaves_nothing(tmp_path):
    write(tmp_path / "data/raw/train/app", [("same", "same")] * 20)
    done = run_stage(tmp_path)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "identical" in errors[0] and "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["raw"]
    assert not (tmp_path / "reports").exists()


def test_the_number_of_processes_changes_no_byte(raw):
    write_mono(raw / "mono/news", [f"Zeile {n % 30}" for n in range(60)])
    alone = clean(raw, workers=1)
    digest = sha256_tree(alone[0])
    shutil.rmtree(alone[0])
    out, report = clean(raw, workers=2)
    assert sha256_tree(out) == digest
    assert report == alone[1]


def test_examples_do_not_depend_on_the_order(raw):
    bad = [(f"same {n}", f"same {n}") for n in range(20)]
    found = []
    for order in (bad, bad[::-1]):
        write(raw / "train/news", [*order, *numbered(60)])
        found.append(clean(raw)[1]["news"]["train"]["filters"]["identical"])
        shutil.rmtree(raw.parent / "clean")
    assert found[0] == found[1]
    assert [example[0] for example in found[0]["examples"]] != ["same 0", "same 1", "same 2"]


def test_near_duplicates_differ_in_case_punctuation_or_digits_or_a_little_more(raw):
    write(raw / "train/news", [("At 5, go!", "Um 5 los!"), ("at 6 go", "um 6 los"), ("At 5 stay", "Um 5 bleib")])
    assert len(lines(clean(raw, near_duplicate_similarity=0)[0] / "train")) == 3
    shutil.rmtree(raw.parent / "clean")
    assert lines(clean(raw, near_duplicate_similarity=1)[0] / "train") == [
        ("At 5, go!", "Um 5 los!"),
        ("At 5 stay", "Um 5 bleib"),
    ]


def test_pairs_that_are_nearly_an_earlier_one_are_dropped_in_whatever_process(raw):
    letters = random.Random(1)
    pairs = [(sentence(letters), sentence(letters)) for _ in range(12)]
    alike = [(f"{source}z", f"{target}z") for source, target in pairs]
    write(raw / "train/news", [*pairs, *alike])
    for workers in (1, 2):
        out, report = clean(raw, near_duplicate_similarity=0.8, workers=workers)
        assert dropped(report["news"]["train"])["near_duplicate"] == 12
        assert lines(out / "train") == pairs
        shutil.rmtree(raw.parent / "clean")


def test_what_leaks_loosely_or_nearly_is_dropped_and_the_match_reported(raw):
    write(raw / "test/news_2020", [("Two dogs run over the green grass today", "Zwei Hunde laufen")])
    leaks = [
        ("two DOGS run over, the green grass today!", "so ist es nun einmal"),
        ("Yesterday: two dogs run over the green grass", "und so bleibt es auch"),
    ]
    write(raw / "train/news", [*leaks, *((f"a {'b' * n}", f"ein {'b' * n}") for n in range(1, 21))])

    def left(**changes: Any) -> dict[str, Any]:
        shutil.rmtree(raw.parent / "clean", ignore_errors=True)
        return clean(raw, **changes)[1]["news"]["train"]

    assert left()["kept"] == 22
    assert left(held_out_loosely=True)["kept"] == 21
    report = left(held_out_loosely=True, held_out_containment=0.7)
    assert report["kept"] == 20
    assert report["nearly_held_out"] == [
        ["yesterday two dogs run over the green grass", "two dogs run over the green grass today"]
    ]
    assert left(held_out_loosely=True, held_out_containment=0.9)["kept"] == 21
    assert left(held_out_loosely=True, held_out_containment=0.7, drop_held_out=False)["kept"] == 22


SPOKEN = [
    (f"I would like {n} cups of coffee and a cake", f"Ich hätte gern {n} Tassen Kaffee und einen Kuchen")
    for n in range(40)
]


def test_swapped_sides_and_another_language_are_said_aloud(raw):
    write(raw / "train/news", SPOKEN, rows=100)
    clean(raw, check_languages=True)
    shutil.rmtree(raw.parent / "clean")
    write(raw / "train/news", [(target, source) for source, target in SPOKEN], rows=100)
    with pytest.raises(UserError, match="corpus news seems to have its sides swapped"):
        clean(raw, check_languages=True)
    french = [(source, f"Je voudrais {n} tasses de café et un gâteau") for n, (source, _) in enumerate(SPOKEN)]
    write(raw / "train/news", french, rows=100)
    with pytest.raises(UserError, match=r"news seems to be in another language: 100% .* targets are clearly not de"):
        clean(raw, check_languages=True)


def test_a_corpus_of_which_a_part_is_turned_round_is_warned_of(raw, capsys):
    turned = [(target, source) for source, target in SPOKEN[:10]]
    write(raw / "train/news", SPOKEN[10:] + turned, rows=100)
    clean(raw, check_languages=True)
    said = capsys.readouterr().out
    assert "warning: 25% of a sample of the sources of news are clearly not en: is one of its files" in said
    assert "warning: 25% of a sample of the targets of news are clearly not de" in said


def test_a_filter_that_drops_nearly_all_of_a_corpus_is_named(raw):
    write(raw / "train/web", [(f"same {n}", f"same {n}") for n in range(39)] + numbered(1))
    write(raw / "validation/web", numbered(1, start=900))
    with pytest.raises(UserError, match=r"filter identical drops 39 of 40 training pairs of web"):
        clean(raw)


def test_thresholds_of_an_unknown_corpus_are_refused(raw):
    with pytest.raises(UserError, match="which is no corpus of this run; there is news"):
        clean(raw, corpora={"nws": {"max_words": 3}})
