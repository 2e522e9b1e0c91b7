"""The model card: what a person has to know before using a model, in Markdown, from facts alone.

Mitchell et al. 2019, "Model Cards for Model Reporting", https://arxiv.org/abs/1810.03993.
"""

from typing import Any

from seq2seq.report.comparisons import BASELINES
from seq2seq.report.results import Results
from seq2seq.report.words import direction_in_words, templates
from seq2seq.text.corpus import GATE, TRAIN
from seq2seq.training.learning_curve import worse_than_guessing

UNKNOWN = "unknown"


def render_card(results: Results, name: str) -> str:
    """The card of a run's released model; ``name`` is the registered model's."""
    manifest = results.manifests["int8"]
    scores = results.scores["int8"]["tests"] | {GATE: results.scores["int8"][GATE]}
    forward = results.curves["forward"]
    corpora = [
        {
            "name": corpus,
            "pairs": results.cleaning.get(corpus, {}).get(TRAIN, {}).get("kept", 0),
            "licence": facts.get("licence", UNKNOWN),
            "citation": facts.get("citation", UNKNOWN),
        }
        for corpus, facts in results.download.items()
    ]
    environment = templates(autoescape=False)  # Markdown: what comes from outside goes through the filter `cell`
    environment.filters["cell"] = _cell
    return environment.get_template("card.md.j2").render(
        name=name,
        task=manifest.task,
        direction=direction_in_words(manifest.languages),
        quantization=manifest.quantization,
        corpora=corpora,
        packages=_packages(results),
        unlicensed=[corpus["name"] for corpus in corpora if corpus["licence"] == UNKNOWN],
        scores=_with_baselines(results, scores),
        told=scores,
        slices=scores[GATE]["slices"],
        scorers=[scorer["name"] for scorer in results.params["evaluation"]["scorers"]],
        speed=results.speed["int8"],
        threads=results.params["runtime"]["threads"],
        limit=manifest.model["max_length"],
        truncated=sum(score["truncated"] for score in scores.values()),
        learned_nothing=worse_than_guessing(forward, results.averaged_checkpoints("forward")) if forward else "",
        digests=results.digests,
        origin=manifest.origin,
    )


def _with_baselines(results: Results, scores: dict[str, Any]) -> dict[str, Any]:
    """The scores of each set, and below those of the test sets what learning nothing scores."""
    table = {}
    for name, score in scores.items():
        table[name] = score
        beside = results.scores["float32"]["baselines"]["tests"].get(name, {})
        table |= {f"{name}: {BASELINES[key]}": found for key, found in beside.items() if key in BASELINES}
    return table


def _packages(results: Results) -> dict[str, list[str]]:
    """The packages that texts come from, by licence."""
    found: dict[str, list[str]] = {}
    for facts in results.download.values():
        for package, told in facts.get("packages", {}).items():
            found.setdefault(told["licence"], []).append(package)
    return dict(sorted(found.items()))


def _cell(value: Any) -> str:
    """Text that can stand in a table: a bar would end its cell, a tag might be taken for HTML."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
