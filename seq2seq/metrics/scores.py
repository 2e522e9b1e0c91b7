"""Scores of outputs: sacreBLEU's (Post 2018), with bootstrap intervals (Koehn 2004), and ROUGE.

BLEU: Papineni et al. 2002; chrF: Popović 2015; TER: Snover et al. 2006; ROUGE: :mod:`seq2seq.metrics.rouge`.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from seq2seq.core.params import Section
from seq2seq.metrics.metric import References
from seq2seq.metrics.resampling import Difference, interval, paired_difference, resampled_scores
from seq2seq.metrics.string_metrics import Bleu, metric_of

DECIMALS = 2
UNDEFINED = "bleu_undefined"  # key of the reason, in a score whose BLEU is undefined


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


def score(
    hypotheses: Sequence[str], references: Sequence[str], language: str, samples: int, seed: int, rouge: bool = False
) -> dict[str, Any]:
    """Score line-aligned outputs in ``language``.

    Returns:
        ``bleu`` (cased) with its 95 % interval ``bleu_low`` to ``bleu_high``, ``bleu_lc`` (lower-cased),
        ``chrf`` and ``ter`` (lower is better), each from 0 to 100 (TER may exceed it); sacreBLEU's
        ``signature`` of the cased BLEU, chrF and TER; and ``sentences``, the number of lines. Where BLEU is
        undefined, its four numbers are None and ``bleu_undefined`` says why. With ``rouge``, ``rouge1``,
        ``rouge2`` and ``rougeL`` as well, and their signature.

    Raises:
        ValueError: there are no lines, or the two sides differ in number.
        UserError: the language's tokenizer is not installed.
    """
    texts = [[reference] for reference in references]
    bleu, bleu_signature = _score_bleu(hypotheses, texts, language, samples, seed)
    signed = [bleu_signature]
    values = {}
    for name in ("chrf", "ter"):
        metric = metric_of(name, language)
        values[name] = float(metric.score(metric.statistics(hypotheses, texts).sum(axis=0)))
        signed.append(metric.signature(texts))
    if rouge:
        from seq2seq.metrics.rouge import rouge_signature, score_rouge  # noqa: PLC0415 - takes seconds to load

        values |= score_rouge(hypotheses, references, language)
        signed.append(rouge_signature(language))
    rounded = {name: round(value, DECIMALS) for name, value in values.items()}
    return bleu | rounded | {"signature": "; ".join(signed), "sentences": len(references)}


def _score_bleu(
    hypotheses: Sequence[str], references: References, language: str, samples: int, seed: int
) -> tuple[dict[str, Any], str]:
    """What begins with ``bleu`` in a score, and the signature."""
    cased, lower = Bleu(language), Bleu(language, lowercase=True)
    signature = cased.signature(references)
    counts = cased.statistics(hypotheses, references)
    if not counts[:, -1].any():
        reason = cased.why_undefined(counts.sum(axis=0))
        return dict.fromkeys(("bleu", "bleu_low", "bleu_high", "bleu_lc")) | {UNDEFINED: reason}, signature
    low, high = interval(resampled_scores(cased, [counts], samples, seed)[0])
    numbers = {"bleu": float(cased.score(counts.sum(axis=0))), "bleu_low": low, "bleu_high": high}
    numbers["bleu_lc"] = float(lower.score(lower.statistics(hypotheses, references).sum(axis=0)))
    return {name: round(value, DECIMALS) for name, value in numbers.items()}, signature


def why_bleu_is_undefined(references: Sequence[str], language: str) -> str:
    """Why BLEU can say nothing about a set, in words; empty where it can.

    Without a run of four words in the references even perfect outputs score 0.

    Raises:
        UserError: the language's tokenizer is not installed.
    """
    bleu = Bleu(language)
    return bleu.why_undefined(bleu.statistics(references, [[text] for text in references]).sum(axis=0))


def check_scorer(language: str) -> None:
    """Check that text in ``language`` can be scored.

    Raises:
        UserError: its tokenizer is not installed.
    """
    Bleu(language)


def quick_score(hypotheses: Sequence[str], references: Sequence[str], language: str, metric: str) -> float:
    """Cased BLEU (``bleu``) or chrF (``chrf``) of line-aligned translations into ``language``, from 0 to 100.

    Raises:
        UserError: the language's tokenizer is not installed.
    """
    scorer = metric_of(metric, language)
    return float(scorer.score(scorer.statistics(hypotheses, [[text] for text in references]).sum(axis=0)))


def paired_bootstrap(
    hypotheses: Sequence[str],
    baseline: Sequence[str],
    references: Sequence[str],
    language: str,
    *,
    samples: int,
    seed: int,
) -> Difference:
    """How much better ``hypotheses`` are than ``baseline`` in cased BLEU, on the same resampled lines.

    Raises:
        ValueError: there are no lines, or the three sides differ in number.
        UserError: the language's tokenizer is not installed.
    """
    bleu = Bleu(language)
    texts = [[text] for text in references]
    ours, theirs = (bleu.statistics(lines, texts) for lines in (hypotheses, baseline))
    return paired_difference(bleu, ours, theirs, samples, seed)
