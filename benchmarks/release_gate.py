"""How often the release gate is right: ``python -m benchmarks.release_gate OUT... [--language de]``.

Reads what `benchmarks.retrainings` left: outputs of models that differ by their seed alone, and of worse ones. All
lines together are taken for the truth; a gate set is drawn from them. For a true difference that no pair of models has,
a pair's difference on each set is shifted by what is missing, so that its noise stays that of real models. Prints
docs/gate.md's tables. Shapes: N lines, K counts, M resamples, S systems.
"""

import argparse
import itertools
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.retrainings import RETRAININGS as TRAININGS
from seq2seq.core.command_line import ArgumentParser
from seq2seq.metrics.metric import FloatArray, Metric
from seq2seq.metrics.resampling import resampled_scores
from seq2seq.metrics.string_metrics import metric_of
from seq2seq.release.gate import Answer, Comparison
from tasks.stage import run

TRUE_DIFFERENCES = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0)  # BLEU
SIZES = (500, 1000, 2000)  # lines
METRICS = ("bleu", "chrf", "bleu+chrf")
CONFIDENCE = 0.95
EQUAL = {training.name for training in TRAININGS if training.data == training.updates == 1}  # but for the seed
SAMPLES = 400  # resamples of each gate set; the product takes more, which only makes its bounds steadier
RETRAININGS = 20  # one after another, in the simulation of a ratchet


class Scores:
    """Scores of all models of one corpus by one metric or the mean of several, from their counts."""

    def __init__(self, names: str, language: str, frames: dict[str, pd.DataFrame]) -> None:
        self.metrics: list[Metric] = [metric_of(name, language) for name in names.split("+")]
        self.models = list(frames)
        self.counts = [  # by metric, by model: (N, K)
            [
                metric.statistics(frame["prediction"].tolist(), [[text] for text in frame["target"]])
                for frame in frames.values()
            ]
            for metric in self.metrics
        ]

    def of(self, rows: np.ndarray) -> FloatArray:
        """Scores (S,) on some lines."""
        return np.asarray(
            np.mean(
                [
                    [float(metric.score(counts[rows].sum(axis=0))) for counts in models]
                    for metric, models in zip(self.metrics, self.counts, strict=True)
                ],
                axis=0,
            )
        )

    def resampled(self, rows: np.ndarray, samples: int, seed: int) -> FloatArray:
        """Scores (S, M) on resamples of some lines; all metrics see the same resamples."""
        return np.asarray(
            np.mean(
                [
                    resampled_scores(metric, [counts[rows] for counts in models], samples, seed)
                    for metric, models in zip(self.metrics, self.counts, strict=True)
                ],
                axis=0,
            )
        )


def answers(
    scores: Scores, size: int, margin: float, slope: float, gates: int, seed: int
) -> tuple[dict[float, list[Answer]], dict[tuple[str, str], list[Answer]], list[float]]:
    """Hold many gates of ``size`` lines.

    Args:
        scores: of the models of one corpus.
        size: lines of a gate set.
        margin: of the gate, in BLEU.
        slope: points of the metric for one point of BLEU.
        gates: how many sets are drawn.
        seed: of the draws.

    Returns:
        The answers for each true difference, from all ordered pairs of equal recipe; the answers for each pair of
        (candidate, champion) as they are; and the spread of the pairs of equal recipe, in BLEU.
    """
    rng = np.random.default_rng(seed)
    pool = len(scores.counts[0][0])
    truth = scores.of(np.arange(pool))
    equal = [place for place, name in enumerate(scores.models) if name in EQUAL]
    shifted: dict[float, list[Answer]] = {true: [] for true in TRUE_DIFFERENCES}
    as_they_are: dict[tuple[str, str], list[Answer]] = {}
    spreads = []
    for gate in range(gates):
        rows = rng.integers(pool, size=size)
        seen, resampled = scores.of(rows), scores.resampled(rows, SAMPLES, seed=gate)
        for champion, candidate in itertools.product(equal, range(len(scores.models))):
            if champion == candidate:
                continue
            delta = seen[candidate] - seen[champion]
            differences = resampled[candidate] - resampled[champion]
            pair = (scores.models[candidate], scores.models[champion])
            one = Comparison.of(delta, differences, size, CONFIDENCE)
            as_they_are.setdefault(pair, []).append(one.answer(margin * slope))
            if candidate in equal:
                spreads.append(one.spread / slope)
                for true in TRUE_DIFFERENCES:
                    shift = true * slope - (truth[candidate] - truth[champion])
                    moved = Comparison.of(delta + shift, differences + shift, size, CONFIDENCE)
                    shifted[true].append(moved.answer(margin * slope))
    return shifted, as_they_are, spreads


def ratchet(spread: float, seed_deviation: float, margin: float, drift: float, rng: np.random.Generator) -> float:
    """What the champion is worth after RETRAININGS retrainings, compared with the first one, in BLEU.

    Args:
        spread: standard deviation of a difference as the gate sees it, BLEU.
        seed_deviation: standard deviation of the true scores of equal recipes, BLEU.
        margin: of the gate.
        drift: how much worse each recipe truly is than the one before.
        rng: draws.
    """
    bound = statistics.NormalDist().inv_cdf(CONFIDENCE) * spread
    true, seen = [], []
    champion = best = 0
    for number in range(RETRAININGS + 1):
        true.append(rng.normal(-drift * number, seed_deviation))
        seen.append(true[-1] + rng.normal(0, spread / 2**0.5))  # one gate set: a model's luck on it stays its own
        deltas = [seen[number] - seen[other] for other in (champion, best)]
        if number and all(delta - bound > -margin and delta + bound >= 0 for delta in deltas):
            champion = number
            best = max(best, number, key=lambda one: seen[one])
    return true[champion] - true[0]


def _share(found: Sequence[Answer], answer: Answer) -> str:
    return f"{100 * found.count(answer) / len(found):.1f} %"


def report(folder: Path, language: str, margin: float, gates: int) -> None:
    """Print the tables of one corpus."""
    frames = {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    pool = np.arange(len(next(iter(frames.values()))))
    bleu = Scores("bleu", language, frames).of(pool)
    equal = np.array([name in EQUAL for name in frames])
    print(f"\n## {folder.name}: {len(pool):,} lines\n")
    print("| model | " + " | ".join(METRICS) + " |\n|---|" + "---|" * len(METRICS))
    by_metric = {names: Scores(names, language, frames) for names in METRICS}
    for place, name in enumerate(frames):
        print(f"| {name} | " + " | ".join(f"{scores.of(pool)[place]:.2f}" for scores in by_metric.values()) + " |")
    for names, scores in by_metric.items():
        values = scores.of(pool)
        # points of the metric for one of BLEU, by the models that are truly worse
        slope = float((values[equal].mean() - values[~equal]).sum() / (bleu[equal].mean() - bleu[~equal]).sum())
        deviation = float(values[equal].std(ddof=1) / slope)
        print(f"\n### {names}: {slope:.2f} points for one of BLEU; seeds differ by {deviation:.2f} BLEU\n")
        print(
            "| lines | spread, BLEU | "
            + " | ".join(f"{true:+g}" for true in TRUE_DIFFERENCES)
            + " | worse at -1 | worse at 0 |"
        )
        print("|---|---|" + "---|" * (len(TRUE_DIFFERENCES) + 2))
        notes = []
        for size in SIZES:
            shifted, as_they_are, spreads = answers(scores, size, margin, slope, gates, seed=size)
            spread = statistics.fmean(spreads)
            cells = [_share(shifted[true], Answer.NO_WORSE) for true in TRUE_DIFFERENCES]
            cells += [_share(shifted[true], Answer.WORSE) for true in (-1.0, 0.0)]
            print(f"| {size:,} | {spread:.2f} | " + " | ".join(cells) + " |", flush=True)
            rng = np.random.default_rng(1)
            for drift in (0.0, 0.1):
                ends = [ratchet(spread, deviation, margin, drift, rng) for _ in range(2000)]
                mean, low = np.mean(ends), np.quantile(ends, 0.05)
                notes.append(
                    f"{size:,} lines, {RETRAININGS} trainings, {drift:g} worse each: {mean:+.2f}, 5 % under {low:+.2f}"
                )
            worse = [name for name, same in zip(frames, equal, strict=True) if not same]
            for name in worse:
                found = [one for pair, some in as_they_are.items() if pair[0] == name for one in some]
                passes, fails = (_share(found, answer) for answer in (Answer.NO_WORSE, Answer.WORSE))
                notes.append(f"{size:,} lines, {name}: passes {passes}, worse {fails}")
        print("\n- " + "\n- ".join(notes))


def main() -> None:
    """Print the tables."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--language", default="de", help="of the outputs")
    parser.add_argument("--margin", type=float, default=0.9, help="of the gate, in BLEU")
    parser.add_argument("--gates", type=int, default=1000, help="simulated for each size")
    arguments = parser.parse_args()
    for folder in arguments.folders:
        report(folder, arguments.language, arguments.margin, arguments.gates)


if __name__ == "__main__":
    run(main)
