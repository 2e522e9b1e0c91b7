"""ROUGE, the measure of summaries: Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries".

https://aclanthology.org/W04-1013; computed by Google's package rouge-score, with Porter's stemmer for English.
"""

from collections.abc import Sequence
from importlib import metadata
from statistics import fmean

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer, Tokenizer

from seq2seq.metrics.metric import References
from seq2seq.text.languages import split_words
from seq2seq.text.scripts import canonical_code

KINDS = ("rouge1", "rouge2", "rougeL")  # words, pairs of words, longest common subsequence of words


class _Words(Tokenizer):  # type: ignore[misc]
    """Words of any script: the package's own tokenizer knows a to z and digits alone."""

    def tokenize(self, text: str) -> list[str]:
        return split_words(text.lower())


def score_rouge(hypotheses: Sequence[str], references: References, language: str) -> dict[str, float]:
    """F1 of each of KINDS with the reference that suits it best, 0 to 100: the mean over the lines, at least one."""
    scorer = RougeScorer(KINDS, tokenizer=DefaultTokenizer(use_stemmer=True) if _has_stems(language) else _Words())
    lines = [scorer.score_multi(*texts) for texts in zip(references, hypotheses, strict=True)]
    return {kind: 100 * fmean(line[kind].fmeasure for line in lines) for kind in KINDS}


def rouge_signature(language: str) -> str:
    """How it was scored, in the form of sacreBLEU's signatures."""
    return f"ROUGE|mean:f1|stem:{'porter' if _has_stems(language) else 'no'}|version:{metadata.version('rouge-score')}"


def _has_stems(language: str) -> bool:
    return canonical_code(language) == "en"
