import json
import math
import shutil
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json, write_json, write_text
from seq2seq.evaluation.evaluate import write_predictions
from seq2seq.export.ctranslate2 import export_ctranslate2
from seq2seq.metrics.scores import EvaluationParams, score
from seq2seq.report.charts import HEIGHT, WIDTH, ScatterPoint, line_chart, round_ticks, scatter_chart
from seq2seq.report.comparisons import cleaning_steps, compare_outputs, gains, what_is_undefined
from seq2seq.report.plots import plot_tables
from seq2seq.report.results import read_results
from seq2seq.report.samples import choose_for_attention, choose_samples
from seq2seq.text.corpus import gather_references
from seq2seq.text.languages import LanguagesParams
from tasks import report
from tests.pretrained_models import bundle_of
from tests.tiny_models import LANGUAGES, tiny_corpus, tiny_model

ROOT = Path(__file__).parents[2]
VOID = {"meta", "link", "br", "line", "circle"}  # elements that we write without an end tag
AWKWARD = ["<script>alert('x')</script> & \"more\"", "مرحبا بالعالم", "今天天气很好。"]
ORIGIN = {"data": "da7a" * 16, "start": "57a7" * 16}
EVALUATION = EvaluationParams(sets=["test"], rouge=False, bootstrap_samples=100, seed=1, scorers=[])
SLICES = ["short sources", "corpus <b> | c"]
CURVE = "update,epoch,lr,train_loss,validation_loss,unigram_loss,validation_score\n"


def tally(kept, **dropped):
    filters = {name: {"dropped": n, "examples": [AWKWARD[:2]] * bool(n)} for name, n in dropped.items()}
    return {"lines_in": kept + sum(dropped.values()), "filters": filters, "held_out": 0, "kept": kept}


def write_scores(reports, rouge=False):
    """Predictions of two test sets, three of whose sources would break a careless page; the scores of them."""
    rows = tiny_corpus().head(12)
    rows.loc[:2, "source"] = rows.loc[:2, "target"] = AWKWARD
    outputs = [*rows["target"][:8], *["die Katze malt das Meer ."] * 4]
    float32 = gather_references(rows).assign(prediction=outputs)
    float32.at[3, "references"] = [*float32.at[3, "references"], "noch eine <Möglichkeit>"]
    int8 = float32.assign(prediction=["ein Hund malt .", *float32["prediction"][1:]])
    tests, found = ("first", "second"), {}
    for model, frame in {"float32": float32, "int8": int8}.items():
        shutil.rmtree(reports / "predictions" / model, ignore_errors=True)
        write_predictions(reports / "predictions" / model, dict.fromkeys(tests, frame))
        numbers = score(frame["prediction"].tolist(), frame["references"].tolist(), "de", 100, 1, rouge) | {
            "truncated": 3
        }
        parts = {name: {"metric": "chrF", "lines": 3, "score": 41.25, "low": 30.0, "high": 50.0} for name in SLICES}
        parts["numbers kept"] = {"metric": "numbers kept", "lines": 2, "score": None, "low": None, "high": None}
        found[model] = {"tests": dict.fromkeys(tests, numbers), "gate": numbers | {"slices": parts}}
    beside = {"copy_source": numbers, "nearest_sentence": numbers}
    if rouge:
        beside["lead_sentence"] = numbers
    overlap = {"longest": 7, "median": 3.5, "mean_share": 0.5}
    found["float32"]["baselines"] = {"training_lines": 9, "tests": dict.fromkeys(tests, beside | {"overlap": overlap})}
    for model, scores in found.items():
        write_json(reports / "scores" / f"{model}.json", scores)


def write_candidates(reports, speeds):
    """Two candidates, and the choice of int8."""
    scores = {key: {"value": 41.5, "low": 39.0, "high": 44.0} for key in ("bleu", "chrf", "ter", "exact_match")}
    float32 = {"folder": "float32", "beam_size": 5, "scores": scores, "same": 1.0, "speed": speeds["float32"]}
    differences = {key: {"value": -0.25, "low": -0.75, "high": 0.5} for key in scores}
    float32["difference"] = {key: {"value": 0.0, "low": 0.0, "high": 0.0} for key in scores}
    int8 = float32 | {"folder": "int8", "difference": differences, "same": 0.875, "speed": speeds["int8"]}
    measured = {"lines": 12, "candidates": {"int8": int8, "float32": float32}, "pytorch": speeds["float32"]}
    write_json(reports / "candidates.json", measured | {"left_out": {"bfloat16": "this CPU <has> none"}})
    choice = {"name": "int8", "reason": "it is the fastest", "rejected": {"float32": "it is slow"}, "warning": ""}
    write_json(reports / "choice.json", choice)


@pytest.fixture
def workspace(tokenizer, tmp_path, monkeypatch):
    """What the stages before ``report`` leave, small."""
    reports = tmp_path / "reports"
    shutil.copy(ROOT / "params.yaml", tmp_path)
    save_model(tmp_path / "float32", tiny_model(tokenizer), tokenizer, LANGUAGES, ORIGIN, "translation")
    export_ctranslate2(tmp_path / "float32", tmp_path / "int8", "int8")
    write_scores(reports)
    write_text(
        reports / "curves/forward.csv", CURVE + "10,1,0.1,5.0,4.0,6,\n20,2,0.1,3.0,2.5,6,\n30,3,0.1,2.5,2.75,6,\n"
    )
    write_text(reports / "curves/backward.csv", CURVE)
    speeds = {"sentences_per_second": 10.0, "slowest": 9.0, "fastest": 11.0, "size_mb": 4.0, "peak_rss_mb": 300.0}
    speeds |= {"latency_ms": 12.0, "latency_p95_ms": 19.5, "start_seconds": 2.5}
    faster = {"ct2_float32": {"sentences_per_second": 40.0}, "int8": {"sentences_per_second": 50.0, "size_mb": 1.0}}
    write_json(reports / "speed.json", {"float32": speeds} | {name: speeds | more for name, more in faster.items()})
    write_candidates(reports, {"float32": speeds} | {name: speeds | more for name, more in faster.items()})
    facts = {"licence": "CC <BY> & co", "citation": "Them", "lines": {"train/tiny": 36, "mono/tiny": 9}}
    aside = {"put_aside": {"3 columns in place of 2": 5}, "places": {"3 columns in place of 2": ["line 4", "line 9"]}}
    files = [
        {"name": "a<b.tsv", "kind": "table, gzip", "pairs": 1203} | aside,
        {"name": "c", "kind": "TMX", "pairs": 2},
    ]
    own = {"lines": {"train/pairs": 3}, "files": files}
    elsewhere = {"lines": {"test/wmt": 2}, "files": [], "citation": "Others"}  # a test set alone
    write_json(reports / "download.json", {"tiny": facts, "pairs": own, "wmt": elsewhere})
    cleaning = {
        "tiny": {"train": tally(30, empty=2, held_out=4), "mono": tally(8, empty=0, in_training=1)},
        "pairs": {"train": tally(3, empty=0)},
        "held_out": {
            "validation": {"lines": 1, "normalised": 0, "empty": 0},
            "gate": {"lines": 12, "normalised": 0, "empty": 0},
            "test/first": {"lines": 12, "normalised": 5, "empty": 1},
        },
    }
    write_json(reports / "cleaning.json", cleaning)
    write_json(reports / "mixing.json", {})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch):
    inputs = ["--reports", "reports", "--float32", "float32", "--int8", "int8"]
    outputs = [
        "--quality",
        "out/quality.json",
        "--plots",
        "out/plots",
        "--page",
        "out/index.html",
        "--card",
        "out/card.md",
    ]
    monkeypatch.setattr(sys, "argv", ["report", *inputs, *outputs])
    report.main()


def results():
    return read_results(Path("params.yaml"), Path("reports"), Path("float32"), Path("int8"))


class Page(HTMLParser):
    """Checks that elements nest, and collects what a page shows and what it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name in {"href", "src", "srcset", "data", "action", "poster", "xlink:href"}:
                self.links.append((tag, value))
            if name == "id":
                self.ids.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing at {self.getpos()}"

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_asks_nothing_of_anyone(workspace, monkeypatch):
    run(monkeypatch)
    text = (workspace / "out/index.html").read_text(encoding="utf-8")
    page = Page(text)

    for tag, target in page.links:
        assert (tag == "a" and target.removeprefix("#") in page.ids) or (tag, target) == ("link", "data:,")
    assert not {"script", "iframe", "img", "object", "embed", "form"} & set(page.tags)
    assert "url(" not in text and "@import" not in text
    assert len(set(page.ids)) == len(page.ids)


def test_text_of_corpora_and_models_stays_text(workspace, monkeypatch):
    run(monkeypatch)
    page = Page((workspace / "out/index.html").read_text(encoding="utf-8"))

    for awkward in AWKWARD:
        assert any(awkward in text for text in page.texts)
    assert any("CC <BY> & co" in text for text in page.texts)


def test_the_page_says_what_the_stages_found(workspace, monkeypatch):
    run(monkeypatch)
    text = " ".join(" ".join(Page((workspace / "out/index.html").read_text(encoding="utf-8")).texts).split())

    assert "Translation: English → German" in text
    assert "ROUGE" not in text and "first sentence" not in text
    assert "lowest 2.500 at update 20 (epoch 2)" in text
    assert "Not trained: no corpus has monolingual target text." in text
    assert "The engine gives 4.0 × , int8 gives another 1.25 ×" in text
    assert "7 words at most, 3.5 in the median, 50 % of a sentence on average" in text
    assert "equal to a held-out line −4" in text
    assert "sampling temperature 1.0, top_k 0, top_p 1.0" in text
    assert "copy of the source" in text and "nearest training sentence" in text
    assert "first 12 sentences with 13 references" in text
    assert "BLEU 83 % of these lines, those with a reference of four words; chrF and TER 100 %" in text
    assert "noch eine <Möglichkeit>" in text
    for metric in ("BLEU", "chrF", "TER", "exact match"):
        assert f"{metric} −" in text or f"{metric} +" in text
    assert "3 sources have more pieces than the model reads" in text
    assert (
        "test/first: 5 lines were normalised as training text is; 1 have an empty side and stay, as published." in text
    )
    assert "gate: 12 lines" not in text
    assert "a<b.tsv table, gzip 1,203 5 0 3 columns in place of 2: line 4, line 9, ..." in text
    assert "da7a" * 16 in text


def test_the_page_of_summaries_in_one_language_shows_rouge(workspace, tokenizer, monkeypatch):
    english = LanguagesParams(source="en", target="en")
    for name in ("float32", "int8"):
        shutil.rmtree(workspace / name)
    save_model(workspace / "float32", tiny_model(tokenizer), tokenizer, english, {}, "summarization")
    export_ctranslate2(workspace / "float32", workspace / "int8", "int8")
    write_scores(workspace / "reports", rouge=True)
    params = workspace / "params.yaml"
    params.write_text(params.read_text().replace("drop_held_out_targets: true", "drop_held_out_targets: false"))
    run(monkeypatch)
    text = " ".join(" ".join(Page((workspace / "out/index.html").read_text(encoding="utf-8")).texts).split())

    assert "Summarization: English" in text and "→ English" not in text
    assert "TER exact match ROUGE-1 ROUGE-2 ROUGE-L float32 model" in text
    assert "ROUGE-L on first" in text and "first sentence of the source" in text
    assert "No training source or monolingual line equals one of theirs" in text
    assert json.loads((workspace / "out/quality.json").read_text())["int8"]["first"]["rougeL"] > 0


def test_the_page_says_which_pretrained_model_was_trained_further(workspace, monkeypatch):
    shutil.rmtree(workspace / "float32")
    shutil.copytree(bundle_of("t5"), workspace / "float32")
    run(monkeypatch)
    page = (workspace / "out/index.html").read_text(encoding="utf-8")
    assert "A pretrained model (t5), trained further, searched with" in page


def test_the_page_says_what_was_mixed_into_training(workspace, monkeypatch):
    old = {"corpora": ["older"], "pairs": 4000, "kept": 1200, "new": 2800}
    copies = {"capitals": {"pairs": 280, "share": 0.1}, "bare_ends": {"pairs": 12, "share": 0.05}}
    write_json(Path("reports/mixing.json"), {"old": old, "copies": copies, "seed": 1})
    run(monkeypatch)
    texts = Page((workspace / "out/index.html").read_text(encoding="utf-8")).texts
    assert "In an epoch the model read 2,800 new pairs and 1,200 of 4,000 old ones (older)." in texts
    assert "Changed copies of training pairs beside them: 280 capitals (share 0.1), 12 bare ends (share 0.05)." in texts


def test_the_page_says_where_back_translation_is_switched_off(workspace, monkeypatch):
    params = workspace / "params.yaml"
    params.write_text(params.read_text().replace("  enabled: true\n", "  enabled: false\n"))
    run(monkeypatch)
    assert "Not trained: back-translation is switched off." in (workspace / "out/index.html").read_text()


def test_other_tools_get_scores_and_plots_and_all_is_the_same_again(workspace, monkeypatch):
    run(monkeypatch)
    out = workspace / "out"
    once = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    quality = json.loads((out / "quality.json").read_text())
    scores = json.loads((workspace / "reports/scores/int8.json").read_text())

    assert list(quality) == ["float32", "int8"]
    assert quality["int8"] == scores["tests"]
    for name in ("scores.csv", "speed.csv", "cleaning.csv"):
        assert len(pd.read_csv(out / "plots" / name)) >= 3
    run(monkeypatch)
    assert once == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_the_card_says_what_a_user_of_the_model_must_know(workspace, monkeypatch):
    run(monkeypatch)
    card = (workspace / "out/card.md").read_text(encoding="utf-8")
    lines = card.splitlines()
    score = json.loads((workspace / "reports/scores/int8.json").read_text())
    assert lines[0] == "# phrasebook-en-de"
    assert "Translation, English → German. Released as a bundle of 1.0 MB (int8)." in lines
    assert "| tiny | 30 | CC &lt;BY> & co | Them |" in lines  # no HTML of a licence's
    assert "Nothing is known about the licence of pairs" in card
    gate = score["gate"]
    interval = f"{gate['bleu_low']:.1f} to {gate['bleu_high']:.1f}"
    others = f"{gate['chrf']:.1f} | {gate['ter']:.1f} | {gate['exact_match']:.1f} %"
    assert f"| gate | 12 | {gate['bleu']:.1f} | {interval} | {others} |" in lines
    told = (
        "BLEU tells nothing of lines whose references have fewer than four words: first 17 %, second 17 %, gate 17 %."
    )
    assert told in lines
    for label in ("first", "first: copy of the source", "second: nearest training sentence"):
        assert [line for line in lines if line.startswith(f"| {label} | 12 | ")]
    assert "| short sources | 3 | chrF | 41.2 | 30.0 to 50.0 |" in lines
    assert "| corpus &lt;b> \\| c | 3 | chrF | 41.2 | 30.0 to 50.0 |" in lines
    assert "| numbers kept | 2 | numbers kept | undefined |  |" in lines
    assert "12.0 ms for a single sentence (95 % within 19.5), 2.5 s from the start" in card
    assert "Of the scored sources 9 were cut." in card  # three of each set
    assert f"| released bundle | {results().digests['int8']} |" in lines
    assert f"| data | {ORIGIN['data']} |" in lines
    assert f"It was trained further from another model, bundle {ORIGIN['start']}. What that learned from" in card
    assert "It has learned nothing" not in card
    page = Page((workspace / "out/index.html").read_text(encoding="utf-8"))  # the page shows the same
    assert "Released as a bundle of 1.0 MB (int8)" in " ".join(page.texts)
    assert page.tags.count("h1") == 1
    assert "corpus <b> | c" in page.texts


def test_the_card_warns_of_a_model_that_learned_nothing_and_names_packages_by_licence(workspace, monkeypatch):
    write_text(workspace / "reports/curves/forward.csv", CURVE + "10,1,0.1,9.0,8.5,6,\n")
    facts = json.loads((workspace / "reports/download.json").read_text())
    facts["tiny"]["packages"] = {"a": {"licence": "MIT"}, "b": {"licence": "GPL-2.0-only"}, "c": {"licence": "MIT"}}
    write_json(workspace / "reports/download.json", facts)
    run(monkeypatch)
    card = (workspace / "out/card.md").read_text(encoding="utf-8")
    assert "**It has learned nothing**: the validation loss is 8.50" in card
    assert "Licences of the packages: GPL-2.0-only (b); MIT (a, c)." in card


def test_a_missing_input_is_named(workspace, monkeypatch):
    (workspace / "reports/speed.json").unlink()

    with pytest.raises(UserError, match=r"speed\.json is missing; run: dvc repro report"):
        run(monkeypatch)
    assert not (workspace / "out").exists()


def test_comparisons_of_both_models(workspace):
    found = compare_outputs(results(), EVALUATION)["first"]

    assert list(found.differences) == ["BLEU", "chrF", "TER", "exact match"]
    for difference in found.differences.values():
        assert difference.low <= difference.delta < 0  # worse, also where lower is better
    assert found.same == pytest.approx(11 / 12)
    ratios = gains(results())
    assert ratios.engine * ratios.quantization == pytest.approx(ratios.together)
    assert ratios.smaller == 4


def test_a_scorer_is_a_metric_like_any_other(workspace, monkeypatch):
    params = workspace / "params.yaml"
    scorer = {"name": "errors", "command": "count", "higher_is_better": False}
    params.write_text(params.read_text().replace("scorers: []", f"scorers: [{json.dumps(scorer)}]"))
    for model, numbers in {"float32": [1.0, 2.0] * 6, "int8": [2.0, 3.0] * 6}.items():
        path = Path("reports/scores") / f"{model}.json"
        scores = read_json(path)
        for name, found in scores["tests"].items():
            found |= {"errors": sum(numbers) / 12, "errors_low": min(numbers), "errors_high": max(numbers)}
            predictions = Path("reports/predictions") / model / f"{name}.parquet"
            pd.read_parquet(predictions).assign(errors=numbers).to_parquet(predictions)
        write_json(path, scores)
    run(monkeypatch)
    text = " ".join(" ".join(Page(Path("out/index.html").read_text()).texts).split())
    assert "Lower is better for TER, errors, higher" in text
    assert "1.50 1.00 – 2.00" in text and "2.50 2.00 – 3.00" in text
    assert "errors −1.00 −1.00 to −1.00" in text
    assert read_json(Path("out/quality.json"))["int8"]["first"]["errors"] == 2.5
    card = Path("out/card.md").read_text().splitlines()
    assert [line for line in card if line.startswith("| first | 12 |") and line.endswith(" % | 2.50 |")]
    assert [line for line in card if line.startswith("| gate | 12 |") and line.endswith(" % |  |")]


def test_a_score_that_only_some_systems_lack_names_them(workspace):
    words = ["eins zwei drei vier"]
    fine, short = (score([output], [words], "de", 100, 1) for output in ("eins zwei drei vier", "eins"))
    systems = {"float32 model": fine, "copy of the source": short, "other": short}
    expected = "BLEU is undefined for: copy of the source, other: no output has 4 words."
    assert what_is_undefined(systems, EVALUATION) == [expected]
    assert what_is_undefined({"one": fine}, EVALUATION) == []


def test_cleaning_steps_keep_order_and_leave_gaps_where_a_filter_is_not_used(workspace):
    steps = cleaning_steps(results(), "tiny")

    assert [(step.name, step.dropped) for step in steps] == [
        ("empty", [2, 0]),
        ("equal to a held-out line", [4, None]),
        ("equal to a training line", [None, 1]),
    ]
    assert plot_tables(results())["cleaning.csv"].splitlines()[1] == "tiny: empty,2"


@pytest.mark.parametrize(("low", "high"), [(0, 1400), (0, 1), (0.43, 7.3), (2.0, 2.0), (0, 0), (-3, 5), (1e-5, 2e-5)])
def test_round_ticks_cover_their_range_with_a_readable_number(low, high):
    ticks = round_ticks(low, high, most=6)

    assert ticks[0] <= low + 1e-9 and ticks[-1] >= high - 1e-9
    assert 2 <= len(ticks) <= 8
    steps = [after - before for before, after in pairwise(ticks)]
    assert all(step == pytest.approx(steps[0]) for step in steps)


def test_what_is_undefined_and_what_was_not_learned_is_said(workspace, monkeypatch):
    for model in ("float32", "int8"):
        path = Path("reports/scores") / f"{model}.json"
        scores = read_json(path)
        numbers = score(["ja"] * 12, [["ja"]] * 12, "de", 100, 1) | {"truncated": 0}
        scores["tests"] = dict.fromkeys(scores["tests"], numbers)
        if model == "float32":
            beside = dict.fromkeys(("copy_source", "nearest_sentence"), numbers)
            for found in scores["baselines"]["tests"].values():
                found |= beside
        write_json(path, scores)
        for name in scores["tests"]:
            frame = pd.DataFrame({"source": ["yes"] * 12, "references": [["ja"]] * 12, "prediction": ["ja"] * 12})
            frame.to_parquet(Path("reports/predictions") / model / f"{name}.parquet")
    write_text(Path("reports/curves/forward.csv"), CURVE + "10,1,0.9,50,60,8,\n")
    run(monkeypatch)
    shown = " ".join(Page(Path("out/index.html").read_text()).texts)
    assert "BLEU is undefined on this set: no reference has 4 words" in shown
    assert "This model has learned nothing, and is not released: the validation loss is 60.00 nats" in shown
    assert "nan" not in shown.lower().split()
    found = read_json(Path("out/quality.json"))["int8"]["first"]
    assert (found["bleu"], found["bleu_low"], found["bleu_lc"], found["chrf"]) == (None, None, None, 100)
    assert "BLEU 0 % of these lines" in " ".join(shown.split())
    assert "no reference has 4 words" in found["bleu_undefined"]
    assert "int8 model (BLEU is undefined)" in Path("out/plots/scores.csv").read_text()


def test_a_line_chart_keeps_order_and_stays_in_its_frame():
    chart = line_chart({"loss": [(1, 4.0), (2, math.nan), (3, 1.0), (9, 0.5)]}, x_name="update")

    assert chart is not None
    dots = chart.lines["loss"]
    assert [dot.label for dot in dots] == ["loss 4.000 at update 1", "loss 1.000 at update 3", "loss 0.500 at update 9"]
    assert [dot.x for dot in dots] == sorted(dot.x for dot in dots)
    assert [dot.y for dot in dots] == sorted(dot.y for dot in dots), "SVG counts downwards"
    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in dots)


def test_no_points_are_no_chart():
    assert line_chart({"a": [], "b": [(1, math.nan)]}, x_name="update") is None


def predictions(size):
    texts = [f"sentence {number} of the set" for number in range(size)]
    spoilt = [text[: 6 + number] for number, text in enumerate(texts)]
    return pd.DataFrame({"source": texts, "references": [[text] for text in texts], "prediction": spoilt})


@pytest.mark.parametrize("size", [1, 5, 40])
def test_samples_are_worst_best_and_others_and_none_twice(size):
    frame = predictions(size)
    groups = choose_samples(frame, frame, each=3)

    shown = [sample.source for group in groups.values() for sample in group]
    assert len(set(shown)) == len(shown) == min(size, 9)
    scores = {name: [sample.chrf for sample in group] for name, group in groups.items()}
    assert max(scores["Worst"]) <= min(scores["Best"] + scores["Drawn at random"], default=100)
    assert min(scores["Best"], default=100) >= max(scores["Drawn at random"], default=0)
    assert scores["Worst"] == sorted(scores["Worst"])  # the extremes first
    assert scores["Best"] == sorted(scores["Best"], reverse=True)


def test_candidates_stand_in_a_table_and_a_picture(workspace, monkeypatch):
    run(monkeypatch)
    text = " ".join(" ".join(Page((workspace / "out/index.html").read_text(encoding="utf-8")).texts).split())
    assert "Released: int8 . Why: it is the fastest." in text
    assert "int8 41.5 −0.25 −0.75 to +0.50 87.5 % 50 83 1.0 MB 300 MB released: it is the fastest" in text
    assert "float32 41.5 +0.00 +0.00 to +0.00 100.0 % 10 83 4.0 MB 300 MB it is slow" in text
    assert "bfloat16 is left out: this CPU <has> none." in text
    assert "int8: BLEU 41.5 (39.0 to 44.0), 50 sentences a second" in text
    assert "BLEU against sentences a second, one by one" in text
    assert "int8,41.5,50.0,83.33,1.0,300.0,True" in Path("out/plots/candidates.csv").read_text()


def test_points_of_a_picture_stay_inside_with_their_intervals():
    chart = scatter_chart([ScatterPoint("a", 10, 5, 4, 7, True), ScatterPoint("b", 90, 6, 5.5, 6.5, False)], "x", "y")
    first, second = chart.marks
    assert chart.left < first.x < second.x <= chart.right
    assert all(0 < mark.high < mark.y < mark.low <= chart.bottom for mark in chart.marks)  # down is up in SVG
    assert (first.on_the_left, second.on_the_left) == (False, True)
    assert scatter_chart([], "x", "y") is None


def test_samples_do_not_depend_on_the_order_of_the_set():
    frame = predictions(40)
    turned = frame[::-1]

    assert choose_samples(frame, frame) == choose_samples(turned, turned)
    assert choose_for_attention(frame) == choose_for_attention(turned)


def test_attention_takes_readable_sentences_first_and_no_empty_ones():
    texts = ["", "word " * 90, "four words stand here", "one " * 20]
    frame = pd.DataFrame({"source": texts, "prediction": texts})

    assert choose_for_attention(frame)[0] == [texts[2], texts[3], texts[1]]


def test_attention_is_readable_where_both_sides_are_short():
    short, long = "four words stand here", "one " * 20
    frame = pd.DataFrame({"source": [f"{short} {n}" for n in range(9)], "prediction": [long] * 8 + [short]})

    assert choose_for_attention(frame, count=1) == ([f"{short} 8"], [short])
