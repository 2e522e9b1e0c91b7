"""What a file of pairs holds: amounts, lengths, scripts, duplicates, and what cleaning would drop from it."""

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import pandas as pd

from seq2seq.cleaning.duplicates import Hashes, comparable, hash_texts
from seq2seq.cleaning.filters import normalise_frame, pair_filters
from seq2seq.cleaning.params import CleaningParams
from seq2seq.recipes import Amount
from seq2seq.text.languages import LanguagesParams
from seq2seq.text.scripts import script_of

SAMPLE = 20_000  # pairs, those with the smallest hashes, that are looked at closely
EXAMPLES = 3
COVERAGE = 0.9995  # of the text, as the tokenizer counts its characters
SHARE_OF_A_SCRIPT = 0.01  # of a side's letters, below which a script isn't told
# by ISO 15924 code: the first word of its characters' Unicode names
LETTERS = {
    "Latn": {"LATIN"},
    "Cyrl": {"CYRILLIC"},
    "Grek": {"GREEK"},
    "Arab": {"ARABIC"},
    "Hebr": {"HEBREW"},
    "Thai": {"THAI"},
    "Deva": {"DEVANAGARI"},
    "Beng": {"BENGALI"},
    "Taml": {"TAMIL"},
    "Geor": {"GEORGIAN"},
    "Armn": {"ARMENIAN"},
    "Kore": {"HANGUL", "CJK"},
    "Jpan": {"HIRAGANA", "KATAKANA", "CJK", "KATAKANA-HIRAGANA"},
    "Hans": {"CJK"},
    "Hant": {"CJK"},
}
# characters that one of the two ways to write Chinese has, and how the other writes them
SIMPLIFIED = "们这国为来说时会个学对过发还进开长门问见车马鱼鸟语认识让请谢谁点"
TRADITIONAL = "們這國為來說時會個學對過發還進開長門問見車馬魚鳥語認識讓請謝誰點"


@dataclass
class Findings:
    """What was found in a corpus."""

    pairs: int = 0
    distinct: int = 0
    distinct_sides: tuple[int, int] = (0, 0)
    on_both_sides: int = 0  # different lines that stand on both
    in_held_out: int = 0  # pairs of which either side stands in the test set that was named
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)  # normalised, with source_words and target_words
    dropped: dict[str, pd.DataFrame] = field(default_factory=dict)  # of the sample, by filter

    @property
    def amount(self) -> Amount:
        """How much there is to learn from, once it is cleaned; estimated from the sample."""
        bad = sum(map(len, self.dropped.values()))
        good = round(self.distinct * (1 - bad / max(len(self.sample), 1)))
        words = self.sample[["source_words", "target_words"]].to_numpy().sum() / max(len(self.sample), 1)
        return Amount(max(good, 1), float(words) * good, count_characters(self.sample))


def examine(
    frames: Iterable[pd.DataFrame],
    cleaning: CleaningParams,
    languages: LanguagesParams,
    held_out: pd.DataFrame | None,
) -> Findings:
    """Read all pairs once; look closely at those with the smallest hashes.

    Args:
        frames: with the columns source and target.
        cleaning: the filters, each of which tells what it would drop.
        languages: of the two sides.
        held_out: a test set whose lines are looked for; None for none.
    """
    found = Findings()
    sides: tuple[list[Hashes], list[Hashes]] = ([], [])
    both: list[Hashes] = []
    chosen: list[tuple[Hashes, pd.DataFrame]] = []
    bound = np.uint64(2**64 - 1)
    known = [set(comparable(held_out[side])) - {""} for side in ("source", "target")] if held_out is not None else []
    for frame in frames:
        found.pairs += len(frame)
        source, target = (hash_texts(frame[side].tolist()) for side in ("source", "target"))
        sides[0].append(source)
        sides[1].append(target)
        both.append(source * np.uint64(3) + target)  # modulo 2**64
        near = both[-1] <= bound
        chosen.append((both[-1][near], frame[near]))
        bound = _keep_smallest(chosen, bound)
        if known:
            leaks = [pd.Series(comparable(frame[side])).isin(known[at]) for at, side in enumerate(("source", "target"))]
            found.in_held_out += int((leaks[0] | leaks[1]).sum())
    if not found.pairs:
        return found
    sources, targets = (_distinct(parts) for parts in sides)
    found.distinct = len(_distinct(both))
    found.distinct_sides = len(sources), len(targets)
    found.on_both_sides = len(np.intersect1d(sources, targets, assume_unique=True))
    _keep_smallest(chosen, bound)
    found.sample = normalise_frame(chosen[0][1].drop_duplicates(["source", "target"]).reset_index(drop=True))
    found.dropped = dict(_apply(found.sample, cleaning, languages))
    return found


def _distinct(parts: list[Hashes]) -> Hashes:
    """Each hash once, in order: the unique of NumPy 2.4 takes 50 times as long for whole numbers."""
    ordered = np.sort(np.concatenate(parts))
    distinct: Hashes = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return distinct


def _keep_smallest(chosen: list[tuple[Hashes, pd.DataFrame]], bound: np.uint64) -> np.uint64:
    """Leave the pairs with the smallest hashes as the one entry, and return the largest hash that may still count."""
    hashes = np.concatenate([one for one, _ in chosen])
    rows = pd.concat([frame for _, frame in chosen])
    first = np.argsort(hashes, kind="stable")[:SAMPLE]
    chosen[:] = [(hashes[first], rows.iloc[first])]
    return hashes[first[-1]] if len(first) == SAMPLE else bound


def _apply(
    frame: pd.DataFrame, cleaning: CleaningParams, languages: LanguagesParams
) -> Iterator[tuple[str, pd.DataFrame]]:
    """What each filter drops of what those before it keep, in the order of hashes."""
    for name, keeps in pair_filters(cleaning, languages).items():
        keep = keeps(frame)
        yield name, frame[~keep]
        frame = frame[keep]


def count_characters(frame: pd.DataFrame) -> int:
    """How many different characters 99.95 % of the text of both sides consists of."""
    counts = Counter("".join([*frame["source"], *frame["target"]]))
    reached = list(accumulate(sorted(counts.values(), reverse=True)))
    return bisect_left(reached, COVERAGE * counts.total()) + 1 if counts else 0


def scripts_of(texts: Iterable[str]) -> dict[str, float]:
    """The share of letters by the first word of their Unicode names, the most frequent first."""
    letters: Counter[str] = Counter()
    for char, count in Counter("".join(texts)).items():
        if char.isalpha():
            letters[unicodedata.name(char, "UNKNOWN").split()[0]] += count
    total = letters.total()
    return {name: count / total for name, count in letters.most_common() if count >= SHARE_OF_A_SCRIPT * total}


def chinese_variety(texts: Iterable[str]) -> str:
    """Hans, Hant, or Hans and Hant, by characters that only one of them has; empty where none was met."""
    counts = Counter("".join(texts))
    simplified = sum(counts[char] for char in SIMPLIFIED)
    traditional = sum(counts[char] for char in TRADITIONAL)
    if not simplified + traditional:
        return ""
    share = simplified / (simplified + traditional)
    return "Hans" if share > 0.95 else "Hant" if share < 0.05 else f"Hans ({share:.0%}) and Hant"


def guess_language(texts: Iterable[str]) -> str | None:
    """A language that its script tells; None for alphabets that many share, such as the Latin and the Cyrillic one."""
    lines = list(texts)
    shares = scripts_of(lines)
    if shares.get("HIRAGANA", 0) + shares.get("KATAKANA", 0) > 0.1:
        return "ja"
    first = next(iter(shares), "")
    if first == "CJK":
        return "zh-Hant" if chinese_variety(lines) == "Hant" else "zh"
    return {"HANGUL": "ko", "THAI": "th", "GREEK": "el", "HEBREW": "he", "GEORGIAN": "ka", "ARMENIAN": "hy"}.get(first)


def why_not_in(language: str, texts: Iterable[str]) -> str:
    """Why texts can't be in a language, by their letters; empty where they may be."""
    script = script_of(language)
    shares = scripts_of(texts)
    if script not in LETTERS or not shares:
        return ""
    fits = sum(share for name, share in shares.items() if name in LETTERS[script])
    if fits >= 0.5:
        return ""
    return f"only {fits:.0%} of its letters are {script}, in which {language} is written; most are {next(iter(shares))}"
