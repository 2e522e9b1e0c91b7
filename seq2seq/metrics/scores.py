"""What a run reports of its outputs: every metric with its interval, and what each can tell of a set.

ROUGE: :mod:`seq2seq.metrics.rouge`.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section
from seq2seq.core.scorers import check_names
from seq2seq.metrics.external import External, ScorerParams
from seq2seq.metrics.metric import FloatArray, Metric, References
from seq2seq.metrics.resampling import interval, resampled_scores
from seq2seq.metrics.string_metrics import LABELS, Bleu, metric_of

DECIMALS = 2
UNDEFINED = "bleu_undefined"  # key of the reason, in a score whose BLEU is undefined; others have theirs likewise


class EvaluationParams(Section):
    """What is scored and how, and how sure we are of a score."""

    sets: list[Literal["test", "validation"]] = Field(
        min_length=1,
        description="Scores these sets alone; while you search for better parameters, take validation alone.",
    )
    rouge: bool = Field(
        description="Scores ROUGE as well, with the first sentence of each source beside it as a baseline."
    )
    bootstrap_samples: int = Field(
        ge=100,
        le=100_000,
        description="Resamples a test set this many times for a 95 % interval; more makes it steadier and slower.",
    )
    seed: int = Field(ge=0, description="Another seed draws other resamples, which moves the intervals a little.")
    scorers: list[ScorerParams] = Field(
        description="Scores with these programs as well, each in an environment of its own; COMET may be one."
    )

    @field_validator("scorers")
    @classmethod
    def _have_names_of_their_own(cls, scorers: list[ScorerParams]) -> list[ScorerParams]:
        check_names(scorers)
        return scorers


def score(
    hypotheses: Sequence[str], references: References, language: str, samples: int, seed: int, rouge: bool = False
) -> dict[str, Any]:
    """Score line-aligned outputs in ``language``, each against one or several references.

    Returns:
        ``bleu`` (cased), ``chrf``, ``ter`` (lower is better) and ``exact_match``, each from 0 to 100 (TER may exceed
        it), with what :func:`summarize` has of each; ``bleu_lc`` (lower-cased); the ``signature`` of each; and
        ``sentences`` and ``references``, the numbers of lines and of their references. With ``rouge``, ``rouge1``,
        ``rouge2`` and ``rougeL`` as well, and their signature.

    Raises:
        ValueError: there are no lines, a line has no reference, or the two sides differ in number.
        UserError: the language's tokenizer is not installed.
    """
    values: dict[str, Any] = {}
    signed = []
    for metric in (metric_of(name, language) for name in LABELS):
        values |= summarize(metric, metric.statistics(hypotheses, references), samples, seed)
        values[f"{metric.name}_told"] = round(float(metric.tells(references).mean()), 4)
        signed.append(metric.signature(references))
    lower = Bleu(language, lowercase=True)
    values["bleu_lc"] = None if UNDEFINED in values else _score(lower, lower.statistics(hypotheses, references))
    if rouge:
        from seq2seq.metrics.rouge import rouge_signature, score_rouge  # noqa: PLC0415 - takes seconds to load

        found = score_rouge(hypotheses, references, language)
        values |= {name: round(value, DECIMALS) for name, value in found.items()}
        signed.append(rouge_signature(language))
    counts = {"sentences": len(references), "references": sum(map(len, references))}
    return values | {"signature": "; ".join(signed)} | counts


def labels(params: EvaluationParams) -> dict[str, str]:
    """The metrics with intervals that a run reports, by their keys in a score, as people write them."""
    return LABELS | {scorer.name: scorer.name for scorer in params.scorers}


def summarize(metric: Metric, statistics: FloatArray, samples: int, seed: int) -> dict[str, Any]:
    """The score of a metric under its name, and the ends of its 95 % interval under NAME_low and NAME_high.

    Where the score says nothing, the three are None, and NAME_undefined says why.
    """
    keys = (metric.name, f"{metric.name}_low", f"{metric.name}_high")
    if reason := metric.why_undefined(statistics.sum(axis=0)):
        return dict.fromkeys(keys) | {f"{metric.name}_undefined": reason}
    low, high = interval(resampled_scores(metric, [statistics], samples, seed)[0])
    numbers = (_score(metric, statistics), round(low, DECIMALS), round(high, DECIMALS))
    return dict(zip(keys, numbers, strict=True))


def _score(metric: Metric, statistics: FloatArray) -> float:
    return round(float(metric.score(statistics.sum(axis=0))), DECIMALS)


def why_bleu_is_undefined(references: References, language: str) -> str:
    """Why BLEU can say nothing about a set, in words; empty where it can.

    Without a run of four words in the references even perfect outputs score 0.

    Raises:
        UserError: the language's tokenizer is not installed.
    """
    bleu = Bleu(language)
    return "" if bleu.tells(references).any() else bleu.says_nothing


def find_metric(name: str, language: str, scorers: Sequence[ScorerParams], sources: Sequence[str]) -> Metric:
    """A metric by its name: one of ours, or a scorer's.

    Args:
        name: of the metric.
        language: of the outputs.
        scorers: other programs that compute metrics.
        sources: of each line that will be scored, which a scorer reads besides.

    Raises:
        UserError: there is no such metric, or the language's tokenizer is not installed.
    """
    if name in LABELS:
        return metric_of(name, language)
    for scorer in scorers:
        if scorer.name == name:
            return External(scorer, sources)
    raise UserError(f"there is no metric '{name}'; use {', '.join(LABELS)}, or a name in evaluation.scorers")


def check_scorer(language: str) -> None:
    """Check that text in ``language`` can be scored.

    Raises:
        UserError: its tokenizer is not installed.
    """
    Bleu(language)


def quick_score(hypotheses: Sequence[str], references: References, language: str, metric: str) -> float:
    """Cased BLEU (``bleu``) or chrF (``chrf``) of line-aligned translations into ``language``, from 0 to 100.

    Raises:
        UserError: the language's tokenizer is not installed.
    """
    scorer = metric_of(metric, language)
    return float(scorer.score(scorer.statistics(hypotheses, references).sum(axis=0)))
