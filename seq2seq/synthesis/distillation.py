"""Distillation by sequences: real sources, with targets that a teacher makes, for a smaller model to learn from.

Kim and Rush 2016, "Sequence-Level Knowledge Distillation", https://aclanthology.org/D16-1139. Of the teacher's beam the
hypothesis is taken that is nearest to the real target (their section 3.3, "interpolation"): by the chrF of the
sentence, which also tells short sentences apart, where BLEU is 0 for most.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from seq2seq.core.files import read_json, write_json
from seq2seq.core.progress import Progress
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.export.ctranslate2 import fast_form
from seq2seq.inference.translator import Translator
from seq2seq.metrics.string_metrics import Chrf
from seq2seq.text.corpus import pairs

SHARD_LINES = 1000  # saved at a time; a kill loses at most one shard
DISTILLED = "distilled"  # the origin of such pairs


def load_teacher(bundles: Sequence[Path], runtime: RuntimeParams, work: Path) -> Translator:
    """One model, in the fast engine where that knows it, or an ensemble, which PyTorch runs.

    Raises:
        UserError: a bundle can't be loaded, or they don't belong together.
    """
    if len(bundles) > 1:
        return Translator.load_ensemble(bundles, runtime)
    return Translator.load(fast_form(bundles[0], work), runtime)


def distil(
    teacher: Translator, frames: Iterable[pd.DataFrame], lines: int, decoding: DecodingParams, work: Path
) -> Iterator[pd.DataFrame]:
    """Yield each pair with the teacher's target in place of its own; shards finished in ``work`` aren't made again.

    Args:
        teacher: a model, or an ensemble of them.
        frames: columns source and target.
        lines: of all frames, for the progress.
        decoding: how the teacher searches.
        work: folder of unfinished work.
    """
    number = 0
    with Progress("distil", lines, "sentences") as progress:
        for frame in frames:
            for start in range(0, len(frame), SHARD_LINES):
                shard = frame[start : start + SHARD_LINES]
                sources, targets = shard["source"].tolist(), shard["target"].tolist()
                file = work / f"shard-{number:05d}.json"
                if not file.exists():
                    write_json(file, nearest_hypotheses(teacher, sources, targets, decoding))
                number += 1
                progress.add(len(shard))
                yield pairs(sources, read_json(file), DISTILLED)


def nearest_hypotheses(
    teacher: Translator, sources: list[str], targets: list[str], decoding: DecodingParams
) -> list[str]:
    """Of the teacher's outputs for each source, the one that is nearest to the target; the better one of equals.

    Where the teacher has no output that says anything, the target itself stays.
    """
    found = [
        [one.text for one in outputs if one.text] or [target]
        for outputs, target in zip(teacher.nbest(sources, decoding), targets, strict=True)
    ]
    texts = [text for outputs in found for text in outputs]
    references = [[target] for outputs, target in zip(found, targets, strict=True) for _ in outputs]
    metric = Chrf()
    scores = iter(metric.score(metric.statistics(texts, references)))
    return [max(outputs, key=lambda _: next(scores)) for outputs in found]
