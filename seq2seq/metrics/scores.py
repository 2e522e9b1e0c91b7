"""Scores of outputs: sacreBLEU's (Post 2018), with bootstrap intervals (Koehn 2004), and ROUGE.

BLEU: Papineni et al. 2002; chrF: Popović 2015; TER: Snover et al. 2006; ROUGE: :mod:`seq2seq.metrics.rouge`.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field
from sacrebleu.metrics import BLEU, CHRF, TER

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section
from seq2seq.metrics.tokenization import bleu_tokenizer, edits_characters, separate_characters

INTERVAL = (2.5, 97.5)  # percentiles that enclose 95 %
DECIMALS = 2
ORDER = 4  # BLEU counts runs of one to four words, and is 0 where there are none of four
UNDEFINED = "bleu_undefined"  # key of the reason, in a score whose BLEU is undefined

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
    """BLEU of one system minus that of another on the same lines, and its 95 % bootstrap interval.

    Where it is undefined, all three are not a number, and so neither above nor below anything.
    """

    delta: float
    low: float
    high: float
    undefined: str = ""  # why, in words


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
    _check_aligned(hypotheses, references)
    bleu, bleu_signature = _score_bleu(hypotheses, references, language, samples, seed)
    chrf, ter = CHRF(), _ter(language)
    values = {"chrf": chrf.corpus_score(hypotheses, [references]).score}
    values["ter"] = ter.corpus_score(*_as_ter_reads(hypotheses, references, language)).score
    by_characters = "|char:yes" if _is_cut_by_us(language) else ""
    signed = [bleu_signature, f"chrF2|{chrf.get_signature()}", f"TER|{ter.get_signature()}{by_characters}"]
    if rouge:
        from seq2seq.metrics.rouge import rouge_signature, score_rouge  # noqa: PLC0415 - takes seconds to load

        values |= score_rouge(hypotheses, references, language)
        signed.append(rouge_signature(language))
    rounded = {name: round(value, DECIMALS) for name, value in values.items()}
    return bleu | rounded | {"signature": "; ".join(signed), "sentences": len(references)}


def _score_bleu(
    hypotheses: Sequence[str], references: Sequence[str], language: str, samples: int, seed: int
) -> tuple[dict[str, Any], str]:
    """What begins with ``bleu`` in a score, and the signature."""
    cased, lower = _bleu(language, lowercase=False), _bleu(language, lowercase=True)
    found = [metric.corpus_score(hypotheses, [references]).score for metric in (cased, lower)]
    signature = f"BLEU|{cased.get_signature()}"
    if reason := why_bleu_is_undefined(references, language):
        return dict.fromkeys(("bleu", "bleu_low", "bleu_high", "bleu_lc")) | {UNDEFINED: reason}, signature
    counts = _bleu_counts(hypotheses, references, language)
    low, high = np.percentile([_bleu_of(row) for row in _resample(counts, samples, seed)], INTERVAL)
    numbers = {"bleu": found[0], "bleu_low": float(low), "bleu_high": float(high), "bleu_lc": found[1]}
    return {name: round(value, DECIMALS) for name, value in numbers.items()}, signature


def why_bleu_is_undefined(references: Sequence[str], language: str) -> str:
    """Why BLEU can say nothing about a set, in words; empty where it can.

    Without a run of four words in the references even perfect outputs score 0.

    Raises:
        UserError: the language's tokenizer is not installed.
    """
    tokenizer = bleu_tokenizer(language)
    bleu = _bleu(language, lowercase=False)
    if any(bleu.corpus_score([line], [[line]]).totals[ORDER - 1] for line in references):
        return ""
    return f"no reference has {ORDER} words (tokenizer {tokenizer}, language '{language}')"


def check_scorer(language: str) -> None:
    """Check that text in ``language`` can be scored.

    Raises:
        UserError: its tokenizer is not installed.
    """
    _bleu(language, lowercase=False)


def _ter(language: str) -> Any:
    asian = edits_characters(language) and not _is_cut_by_us(language)
    return TER(normalized=asian, asian_support=asian)


def _is_cut_by_us(language: str) -> bool:
    """Whether TER gets characters from us: by itself it cuts Han and kana alone."""
    return bleu_tokenizer(language) == "char"


def _as_ter_reads(
    hypotheses: Sequence[str], references: Sequence[str], language: str
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    if not _is_cut_by_us(language):
        return hypotheses, [references]
    return list(map(separate_characters, hypotheses)), [list(map(separate_characters, references))]


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
    Evaluation", section 4. Undefined where BLEU is, and where both score 0: that doesn't make them equal.

    Raises:
        ValueError: there are no lines, or the three sides differ in number.
        UserError: the language's tokenizer is not installed.
    """
    _check_aligned(hypotheses, references)
    _check_aligned(baseline, references)
    if reason := why_bleu_is_undefined(references, language):
        return Difference(math.nan, math.nan, math.nan, reason)
    counts = [_bleu_counts(lines, references, language) for lines in (hypotheses, baseline)]
    if not any(_bleu_of(one.sum(axis=0)) for one in counts):
        return Difference(math.nan, math.nan, math.nan, "both score 0")
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
            f"BLEU for '{language}' needs the tokenizer {bleu_tokenizer(language)}, which is not installed; "
            "run: pip install -r requirements.lock"
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
