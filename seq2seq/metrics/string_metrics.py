"""Metrics that compare strings: BLEU, chrF, TER and exact match.

sacreBLEU (Post 2018, https://aclanthology.org/W18-6319) counts each line, with one or several references, and its
formulas are written here for arrays: for thousands of resampled sets at once.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics import BLEU, CHRF, TER

from seq2seq.core.errors import UserError
from seq2seq.metrics.metric import FloatArray, MeanOfLines, Metric, References, check_aligned, counts_of_values
from seq2seq.metrics.tokenization import bleu_tokenizer, edits_characters, separate_characters

LABELS = {"bleu": "BLEU", "chrf": "chrF", "ter": "TER", "exact_match": "exact match"}  # as people write them
ORDER = 4  # BLEU counts runs of one to four words
BETA = 2  # chrF2 counts recall twice


def metric_of(name: str, language: str) -> Metric:
    """The metric ``bleu``, ``chrf``, ``ter`` or ``exact_match`` for texts in ``language``.

    Raises:
        KeyError: there is no such metric.
        UserError: the language's tokenizer is not installed.
    """
    makers = {"bleu": lambda: Bleu(language), "chrf": Chrf, "ter": lambda: Ter(language), "exact_match": ExactMatch}
    return makers[name]()


class _Sacrebleu(Metric):
    """A metric whose lines sacreBLEU counts; the second count is 0 for an empty reference."""

    def __init__(self, scorer: Any) -> None:
        self._scorer = scorer

    def statistics(self, hypotheses: Sequence[str], references: References) -> FloatArray:
        """SacreBLEU's counts of each line, (N, K)."""
        check_aligned(hypotheses, references)
        # what sacreBLEU's own significance tests sum up too; a line with fewer references than another has None for
        # those that it lacks
        streams = list(zip_longest(*references))
        return np.array(self._scorer._extract_corpus_statistics(hypotheses, streams), dtype=np.float64)

    def tells(self, references: References) -> npt.NDArray[np.bool_]:
        """Lines with a reference that isn't empty."""
        return np.array([any(text.split() for text in texts) for texts in references])

    def why_undefined(self, sums: FloatArray) -> str:
        """Where all references are empty."""
        return "" if sums[1] else "the references are empty"

    def signature(self, references: References) -> str:
        """SacreBLEU's own."""
        counts = set(map(len, references))
        self._scorer.num_refs = counts.pop() if len(counts) == 1 else -1  # -1: they vary
        return f"{self.label}|{self._scorer.get_signature()}"


class Bleu(_Sacrebleu):
    """BLEU (Papineni et al. 2002) of runs of one to four words."""

    name, label = "bleu", "BLEU"

    def __init__(self, language: str, lowercase: bool = False) -> None:
        self.tokenizer = bleu_tokenizer(language)
        self.says_nothing = f"no reference has {ORDER} words (tokenizer {self.tokenizer}, language '{language}')"
        try:  # force=True only silences the guess that text ending in " ." is tokenized
            super().__init__(BLEU(tokenize=self.tokenizer, lowercase=lowercase, force=True))
        except RuntimeError:
            raise UserError(
                f"BLEU for '{language}' needs the tokenizer {self.tokenizer}, which is not installed; "
                "run: pip install -r requirements.lock"
            ) from None

    def statistics(self, hypotheses: Sequence[str], references: References) -> FloatArray:
        """Counts of each line, (N, 11).

        They are the words of the output and of the reference nearest in length, matching runs of one to four words,
        all such runs of the output, and 1 where a reference has four words.
        """
        counts = super().statistics(hypotheses, references)
        return np.column_stack([counts, self.tells(references)])

    def score(self, sums: FloatArray) -> FloatArray:
        """Scores from 0 to 100, smoothed as sacreBLEU does: runs without a match count as a half, then a quarter."""
        ours, theirs = sums[..., 0], sums[..., 1]
        matches = sums[..., 2 : 2 + ORDER]
        runs = sums[..., 2 + ORDER : 2 + 2 * ORDER]
        counts = (matches[..., 0] > 0) & (runs[..., -1] > 0)  # else it is 0
        halvings = np.cumsum(matches == 0, axis=-1)
        smoothed = np.where(matches == 0, 0.5**halvings, matches)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithms = np.log(100 * smoothed / runs)
            brevity = np.where(ours < theirs, np.exp(1 - theirs / ours), 1.0)
            return np.where(counts, brevity * np.exp(logarithms.sum(axis=-1) / ORDER), 0.0)

    def tells(self, references: References) -> npt.NDArray[np.bool_]:
        """Lines with a reference of four words: on others even perfect outputs have no run of four."""
        cut = self._scorer._preprocess_segment
        return np.array([any(len(cut(text).split()) >= ORDER for text in texts) for texts in references])

    def why_undefined(self, sums: FloatArray) -> str:
        """Where no reference or no output has four words, and where the score is 0."""
        if not sums[-1]:
            return self.says_nothing
        if not sums[2]:
            return "no output has a word of its reference"
        return "" if sums[1 + 2 * ORDER] else f"no output has {ORDER} words"


class Chrf(_Sacrebleu):
    """chrF2 (Popović 2015): runs of one to six characters, without spaces.

    The counts are for each length of a run those of the output, of the reference that suits it best, and the matches.
    """

    name, label = "chrf", "chrF2"

    def __init__(self) -> None:
        super().__init__(CHRF(beta=BETA))

    def score(self, sums: FloatArray) -> FloatArray:
        """Scores from 0 to 100."""
        ours, theirs, matches = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
        counts = (ours > 0) & (theirs > 0)
        orders = np.maximum(counts.sum(axis=-1), 1)
        precision = np.where(counts, matches / np.maximum(ours, 1), 0).sum(axis=-1) / orders
        recall = np.where(counts, matches / np.maximum(theirs, 1), 0).sum(axis=-1) / orders
        weight = BETA**2
        below = weight * precision + recall
        scores: FloatArray = 100 * (1 + weight) * precision * recall / np.where(below > 0, below, 1)
        return scores


class Ter(_Sacrebleu):
    """Translation edit rate (Snover et al. 2006): edits of words, or of characters where a script has no spaces."""

    name, label = "ter", "TER"
    higher_is_better = False

    def __init__(self, language: str) -> None:
        # by itself TER cuts Han and kana alone; the other scripts without spaces are cut here
        self._is_cut_here = bleu_tokenizer(language) == "char"
        asian = edits_characters(language) and not self._is_cut_here
        super().__init__(TER(normalized=asian, asian_support=asian))

    def statistics(self, hypotheses: Sequence[str], references: References) -> FloatArray:
        """Edits to the nearest reference, and the mean length of the references: (N, 2)."""
        if self._is_cut_here:
            hypotheses = list(map(separate_characters, hypotheses))
            references = [list(map(separate_characters, texts)) for texts in references]
        return super().statistics(hypotheses, references)

    def score(self, sums: FloatArray) -> FloatArray:
        """Edits per 100 words of the references: 0 is the best, and the worst may exceed 100."""
        edits, words = sums[..., 0], sums[..., 1]
        of_nothing = np.where(edits > 0, 1.0, 0.0)  # to an empty reference every output is wholly wrong
        rates: FloatArray = np.where(words > 0, edits / np.where(words > 0, words, 1), of_nothing)
        return 100 * rates

    def signature(self, references: References) -> str:
        """SacreBLEU's own, and whether the characters were separated here."""
        return super().signature(references) + ("|char:yes" if self._is_cut_here else "")


class ExactMatch(MeanOfLines):
    """Percentage of outputs that are one of their references, character by character."""

    name, label = "exact_match", "exact match"

    def statistics(self, hypotheses: Sequence[str], references: References) -> FloatArray:
        """100 where the output is a reference, and 1 for the line: (N, 2)."""
        check_aligned(hypotheses, references)
        return counts_of_values([100 * (ours in texts) for ours, texts in zip(hypotheses, references, strict=True)])

    def signature(self, references: References) -> str:
        """Case counts."""
        return "exact match|case:mixed"
