"""What each filter thinks of one pair."""

import pandas as pd

from seq2seq.cleaning.filters import normalise_frame, pair_filters, repair_frame
from seq2seq.cleaning.params import CleaningParams
from seq2seq.cleaning.scoring import PairScorer
from seq2seq.core.errors import UserError
from seq2seq.text.corpus import pairs
from seq2seq.text.languages import LanguagesParams


def explain(line: str, params: CleaningParams, languages: LanguagesParams) -> list[str]:
    """The pair as the filters see it, each filter's verdict, and the knobs of the filters that are off.

    Raises:
        UserError: the line is not SOURCE TAB TARGET, or a scorer fails.
    """
    sides = line.split("\t")
    if len(sides) != 2:
        raise UserError(f"--explain takes SOURCE<TAB>TARGET, two texts, not {len(sides)}; in bash $'SOURCE\\tTARGET'")
    frame = pairs(sides[:1], sides[1:], "explained")
    frame = normalise_frame(repair_frame(frame) if params.repair else frame)
    rows = [f"source: {frame['source'][0]}", f"target: {frame['target'][0]}"]
    for name, keeps in pair_filters(params, languages).items():
        rows.append(f"{name}: {'keeps' if keeps(frame)[0] else 'DROPS'} it")
    rows += [_verdict(scorer, frame) for scorer in params.scorers]
    off = [name for name, value in params.model_dump().items() if value in (0, False, [])]
    return [*rows, f"off in section cleaning: {', '.join(off)}"]


def _verdict(scorer: PairScorer, frame: pd.DataFrame) -> str:
    scores = scorer.score([(frame["source"][0], frame["target"][0])])
    if scorer.quantile is not None:
        return f"scorer_{scorer.name}: {scores[0]:g}; it drops the lowest {scorer.quantile:.3g} of each corpus"
    return f"scorer_{scorer.name}: {'keeps' if scores[0] >= scorer.limit(scores) else 'DROPS'} it, {scores[0]:g}"
