"""What is wrong with a corpus as a whole: another language, swapped sides, one filter that drops nearly all."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from seq2seq.cleaning import texts
from seq2seq.cleaning.duplicates import hash_texts
from seq2seq.cleaning.filters import SIDES, normalise_frame
from seq2seq.cleaning.tally import Tally
from seq2seq.core.errors import UserError
from seq2seq.text.corpus import partitions, read_partition
from seq2seq.text.languages import LanguagesParams, count_words

SAMPLE = 200  # lines to look at
WORDS = 4  # a line needs, to say what it is written in
ENOUGH = 20  # such lines, to say it of the corpus
NEARLY_ALL = 0.95
SOME = 0.1  # of good pairs up to 1.2 % look so (docs/cleaning.md)


def check_languages(folder: Path, languages: LanguagesParams) -> None:
    """Look at a few lines of a corpus, drawn by hash from its first partition; say where some are strange.

    Raises:
        UserError: nearly all are clearly in another language, or its sides are swapped.
    """
    if languages.source == languages.target or not (paths := partitions(folder)):
        return
    lines = draw_lines(read_partition(paths[0]))
    own = strange_shares(lines, languages)
    name = folder.name
    if max(own.values()) < NEARLY_ALL:
        for side, share in own.items():
            if share >= SOME:
                print(
                    f"warning: {share:.0%} of a sample of the {side}s of {name} are clearly not "
                    f"{getattr(languages, side)}: is one of its files another, or turned round? "
                    "cleaning.identify_from drops such lines"
                )
        return
    if are_swapped(lines, languages):
        raise UserError(
            f"the corpus {name} seems to have its sides swapped: its sources look like {languages.target}, its targets "
            f"like {languages.source}; swap them, or languages in params.yaml (--set cleaning.check_languages=false "
            "takes it as it is)"
        )
    side = max(own, key=lambda side: own[side])
    raise UserError(
        f"the corpus {name} seems to be in another language: {own[side]:.0%} of a sample of its {side}s are clearly "
        f"not {getattr(languages, side)}, such as '{lines[side].iloc[0][:60]}'; check corpora and languages in "
        "params.yaml (--set cleaning.check_languages=false takes it as it is)"
    )


def draw_lines(frame: pd.DataFrame) -> pd.DataFrame:
    """Some pairs, drawn by hash, of enough words on both sides."""
    frame = normalise_frame(frame.iloc[: 100 * SAMPLE])
    frame = frame[(frame["source_words"] >= WORDS) & (frame["target_words"] >= WORDS)]
    order = pd.Series(hash_texts(frame["source"].tolist()), index=frame.index).sort_values(kind="stable")
    return frame.loc[order.index[:SAMPLE]]


def strange_shares(lines: pd.DataFrame, languages: LanguagesParams) -> dict[str, float]:
    """Of each side of such pairs, the share that is clearly in another language; 0 where too few can tell."""
    return {side: _strange(lines[side], getattr(languages, side)) for side in SIDES}


def are_swapped(lines: pd.DataFrame, languages: LanguagesParams) -> bool:
    """Whether such pairs, nearly all in other languages than they should be, are right the other way round."""
    return max(strange_shares(lines, languages.reverse()).values()) < 1 - NEARLY_ALL


def _strange(lines: pd.Series, language: str) -> float:
    judged = [text for text in lines.tolist() if count_words(texts.without_code(text)) >= WORDS]
    if len(judged) < ENOUGH:
        return 0.0
    return sum(texts.is_in_another_language(text, language, WORDS) for text in judged) / len(judged)


def check_filters(tallies: Mapping[Path, Tally]) -> None:
    """Stop where one filter drops nearly all of a corpus: the setting doesn't fit it, or the corpus is another.

    Raises:
        UserError: it does.
    """
    for folder, tally in tallies.items():
        for name, dropped in tally.filters.items():
            if name != "duplicate" and tally.lines_in >= ENOUGH and dropped.count >= NEARLY_ALL * tally.lines_in:
                raise UserError(
                    f"the filter {name} drops {dropped.count:,} of {tally.lines_in:,} training pairs of "
                    f"{folder.name}: look at the corpus (are source and target what params.yaml says?), or loosen the "
                    f"filter, for it alone in cleaning.corpora.{folder.name}"
                )
