"""Back-translation: real target text, with sources that a backward model makes up.

Sennrich et al. 2016, https://arxiv.org/abs/1511.06709; sampling: Edunov et al. 2018,
https://arxiv.org/abs/1808.09381; tags: Caswell et al. 2019, https://arxiv.org/abs/1906.06442.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from seq2seq.cleaning.filters import normalise_frame, pair_filters
from seq2seq.cleaning.params import CleaningParams
from seq2seq.core.files import read_json, write_json
from seq2seq.core.progress import Progress
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.export.ctranslate2 import fast_form
from seq2seq.inference.translator import Translator
from seq2seq.synthesis.params import BackTranslationParams
from seq2seq.text.corpus import pairs
from seq2seq.text.languages import LanguagesParams

SHARD_LINES = 1000  # saved at a time; a kill loses at most one shard


def back_translate(
    bundle: Path,
    lines: list[str],
    params: BackTranslationParams,
    cleaning: CleaningParams,
    decoding: DecodingParams,
    runtime: RuntimeParams,
    work: Path,
) -> Iterator[pd.DataFrame]:
    """Yield synthetic pairs for target ``lines``, shard by shard; shards finished in ``work`` are not made again.

    Args:
        bundle: the backward model (target to source), a PyTorch bundle.
        lines: real target text.
        params: how to search.
        cleaning: the filters of real pairs, which synthetic ones must pass too: models copy and repeat themselves.
        decoding: beam and batch sizes.
        runtime: device and threads.
        work: folder of unfinished work.
    """
    translator = Translator.load(fast_form(bundle, work), runtime)
    languages = translator.manifest.languages.reverse()
    long = 0
    with Progress("back-translate", len(lines), "sentences") as progress:
        for number, start in enumerate(range(0, len(lines), SHARD_LINES)):
            targets = lines[start : start + SHARD_LINES]
            file = work / f"shard-{number:05d}.json"
            if not file.exists():
                write_json(file, _sources(translator, targets, params, decoding, number))
            progress.add(len(targets))
            long += sum(translator.splitter.find_long(targets))
            yield _good_pairs(pairs(read_json(file), targets, "synthetic"), cleaning, languages)
    if long:
        print(
            f"back-translate: {long:,} of {len(lines):,} lines are longer than the {translator.limit} pieces that "
            f"the backward model reads; {translator.splitter.fate_of_long}",
            flush=True,
        )


def _good_pairs(made: pd.DataFrame, cleaning: CleaningParams, languages: LanguagesParams) -> pd.DataFrame:
    kept = normalise_frame(made)
    for keep in pair_filters(cleaning, languages).values():
        kept = kept[keep(kept)]
    return kept[made.columns]


def _sources(
    translator: Translator, targets: list[str], params: BackTranslationParams, decoding: DecodingParams, shard: int
) -> list[str]:
    if params.search == "beam":
        return translator.translate(targets, decoding)
    seed = (params.seed * 1_000_003 + shard) % 2**32
    return translator.sample(targets, decoding, params.sampling, seed)
