"""Scores of outputs: sacreBLEU's (Post 2018), with bootstrap intervals (Koehn 2004), and ROUGE.

BLEU: Papineni et al. 2002; chrF: Popović 2015; TER: Snover et al. 2006; ROUGE: :mod:`seq2seq.metrics.rouge`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field
from sacrebleu.metrics import BLEU, CHRF, TER

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section
from seq2seq.text.languages import bleu_tokenizer

INTERVAL = (2.5, 97.5)  # percentiles that enclose 95 %
DECIMALS = 2
CHARACTER_EDITS = ("zh", "ja")  # TER counts characters where words have no spaces between them

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


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


class Difference(NamedTuple):
    """BLEU of one system minus that of another on the same lines, and its 95 % bootstrap interval."""

    delta: float
    low: float
    high: float


def score(
    hypotheses: Sequence[str], references: Sequence[str], language: str, samples: int, seed: int, rouge: bool = False
) -> dict[str, Any]:
    """Score line-aligned outputs in ``language``.

    Returns:
        ``bleu`` (cased) with its 95 % interval ``bleu_low`` to ``bleu_high``, ``bleu_lc`` (lower-cased),
        ``chrf`` and ``ter`` (lower is better), each from 0 to 100 (TER may exceed it); sacreBLEU's
        ``signature`` of the cased BLEU, chrF and TER; and ``sentences``, the number of lines. With ``rouge``,
        ``rouge1``, ``rouge2`` and ``rougeL`` as well, and their signature.

    Raises:
        ValueError: there are no lines, or the two sides differ in number.
        UserError: the language's tokenizer is not installed.
    """
    _check_aligned(hypotheses, references)
    cased, counts = _bleu(language, lowercase=False), _bleu_counts(hypotheses, references, language)
    low, high = np.percentile([_bleu_of(row) for row in _resample(counts, samples, seed)], INTERVAL)
    asian = language in CHARACTER_EDITS
    metrics = {
        "bleu": cased,
        "bleu_lc": _bleu(language, lowercase=True),
        "chrf": CHRF(),
        "ter": TER(normalized=asian, asian_support=asian),
    }
    results = {name: metric.corpus_score(hypotheses, [references]) for name, metric in metrics.items()}
    values = {name: result.score for name, result in results.items()}
    signed = [f"{results[name].name}|{metrics[name].get_signature()}" for name in ("bleu", "chrf", "ter")]
    more: dict[str, float] = {}
    if rouge:
        from seq2seq.metrics.rouge import rouge_signature, score_rouge  # noqa: PLC0415 - takes seconds to load

        signed.append(rouge_signature(language))
        found = score_rouge(hypotheses, references, language)
        more = {name: round(value, DECIMALS) for name, value in found.items()}
    return {
        "bleu": round(values["bleu"], DECIMALS),
        "bleu_low": round(float(low), DECIMALS),
        "bleu_high": round(float(high), DECIMALS),
        "bleu_lc": round(values["bleu_lc"], DECIMALS),
        "chrf": round(values["chrf"], DECIMALS),
        "ter": round(values["ter"], DECIMALS),
        **more,
        "signature": "; ".join(signed),
        "sentences": len(references),
    }


def quick_score(hypotheses: Sequence[str], references: Sequence[str], language: str, metric: str) -> float:
    """Cased BLEU (``bleu``) or chrF (``chrf``) of line-aligned translations into ``language``, from 0 to 100.

    Raises:
        UserError: the language's tokenizer is not installed.
    """
    scorer = CHRF() if metric == "chrf" else _bleu(language, lowercase=False)
    return float(scorer.corpus_score(hypotheses, [references]).score)


def paired_bootstrap(
    hypotheses: Sequence[str],
    baseline: Sequence[str],
    references: Sequence[str],
    language: str,
    *,
    samples: int,
    seed: int,
) -> Difference:
    """Cased BLEU of ``hypotheses`` minus that of ``baseline``, both scored on the same resampled lines.

    Paired bootstrap resampling, Koehn 2004, "Statistical Significance Tests for Machine Translation
    Evaluation", section 4.

    Raises:
        ValueError: there are no lines, or the three sides differ in number.
        UserError: the language's tokenizer is not installed.
    """
    _check_aligned(hypotheses, references)
    _check_aligned(baseline, references)
    counts = [_bleu_counts(lines, references, language) for lines in (hypotheses, baseline)]
    width = counts[0].shape[1]

    def difference(totals: Counts) -> float:
        return _bleu_of(totals[:width]) - _bleu_of(totals[width:])

    side_by_side = np.concatenate(counts, axis=1)
    low, high = np.percentile([difference(row) for row in _resample(side_by_side, samples, seed)], INTERVAL)
    return Difference(difference(side_by_side.sum(axis=0)), float(low), float(high))


def _check_aligned(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    if not references or len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} outputs can't be scored against {len(references)} references")


def _bleu(language: str, lowercase: bool) -> Any:
    try:  # force=True only silences the guess that text ending in " ." is tokenized
        return BLEU(tokenize=bleu_tokenizer(language), lowercase=lowercase, force=True)
    except RuntimeError:
        raise UserError(
            f"BLEU for '{language}' needs a tokenizer that is not installed; run: pip install 'sacrebleu[{language}]'"
        ) from None


def _bleu_counts(hypotheses: Sequence[str], references: Sequence[str], language: str) -> Counts:
    """BLEU's sufficient statistics, one row per line: (lines, 10).

    A row holds the lengths of hypothesis and reference, 4 counts of matching and 4 of all n-grams; sums
    of rows give the BLEU of the lines together.
    """
    bleu = _bleu(language, lowercase=False)
    lines = (bleu.corpus_score([ours], [[theirs]]) for ours, theirs in zip(hypotheses, references, strict=True))
    return np.array([[line.sys_len, line.ref_len, *line.counts, *line.totals] for line in lines], dtype=np.int64)


def _bleu_of(totals: Counts) -> float:
    sys_len, ref_len, *ngrams = totals.tolist()
    correct, total = ngrams[:4], ngrams[4:]
    return float(BLEU.compute_bleu(correct, total, sys_len, ref_len, smooth_method="exp").score)


def _resample(counts: Counts, samples: int, seed: int) -> Iterable[Counts]:
    """Yield the sum of as many rows as there are, drawn with replacement, ``samples`` times."""
    rng = np.random.default_rng(seed)
    for _ in range(samples):
        yield counts[rng.integers(len(counts), size=len(counts))].sum(axis=0)
