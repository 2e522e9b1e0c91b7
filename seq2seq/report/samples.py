"""Which sentences the report shows; the same ones in every run on the same data."""

import hashlib
from dataclasses import dataclass

import pandas as pd
from sacrebleu.metrics import CHRF

from seq2seq.text.languages import count_words
from seq2seq.text.normalization import normalise

EACH = 4  # sentences of each kind
FEWEST_WORDS, MOST_WORDS = 4, 12  # of a sentence whose attention is easy to read


@dataclass(frozen=True)
class Sample:
    """One sentence with both models' outputs."""

    source: str
    references: list[str]
    float32: str
    int8: str
    chrf: float  # of the float32 output, 0 to 100


def choose_samples(float32: pd.DataFrame, int8: pd.DataFrame, each: int = EACH) -> dict[str, list[Sample]]:
    """Worst, best and, of the others, randomly drawn sentences by the chrF of the float32 output; none twice."""
    chrf = CHRF()
    samples = {
        source: Sample(source, list(references), ours, quantized, chrf.sentence_score(ours, list(references)).score)
        for source, references, ours, quantized in zip(
            float32["source"], float32["references"], float32["prediction"], int8["prediction"], strict=True
        )
    }
    ranked = sorted(samples.values(), key=lambda sample: (sample.chrf, _draw(sample.source)))
    worst, others = ranked[:each], ranked[each:]
    best, others = others[-each:][::-1], others[:-each]
    drawn = sorted(others, key=lambda sample: _draw(sample.source))[:each]
    return {"Drawn at random": drawn, "Worst": worst, "Best": best}


def choose_for_attention(predictions: pd.DataFrame, count: int = 3) -> tuple[list[str], list[str]]:
    """Sources and outputs of a few sentences, drawn from those of a readable length, else from the next to it."""
    pairs = [
        (source, output)
        for source, output in zip(predictions["source"], predictions["prediction"], strict=True)
        if normalise(source) and normalise(output)
    ]

    def rank(pair: tuple[str, str]) -> tuple[float, str]:
        words = [count_words(text) for text in pair]
        return max(0, FEWEST_WORDS - min(words), max(words) - MOST_WORDS), _draw(pair[0])

    chosen = sorted(pairs, key=rank)[:count]
    return [source for source, _ in chosen], [output for _, output in chosen]


def _draw(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
