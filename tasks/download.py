"""Stage `download`: corpora of the catalogue and the user's own pairs, as raw partitioned Parquet."""

import os
from pathlib import Path

from seq2seq.core.files import write_json
from seq2seq.core.params import PARAMS, load_section
from seq2seq.sources.acquire import CorporaParams, acquire
from seq2seq.sources.generated import GeneratedParams
from seq2seq.sources.readers.own import by_corpus, find_sources
from seq2seq.sources.remote.entries import parse_entry
from seq2seq.text.languages import LanguagesParams
from tasks.stage import FETCHED, path_arguments, run


def main() -> None:
    """Write data/raw, and a report of what it holds under which licence."""
    paths = path_arguments(__doc__, "catalogue", "out", "report")
    # the path of the user's pairs comes from here, not from a flag: a shell would change some paths
    corpora = load_section(PARAMS, "corpora", CorporaParams)
    mirror = os.environ.get("CORPUS_MIRROR")
    languages = load_section(PARAMS, "languages", LanguagesParams)
    wanted = corpora.wanted(languages)
    own = Path(corpora.pairs)
    facts = acquire(
        corpora.names,
        languages,
        load_section(PARAMS, "generated", GeneratedParams),
        catalogue=paths.catalogue,
        own=by_corpus(own, find_sources(own, wanted)),
        remote=[parse_entry(text) for text in corpora.remote],
        wanted=wanted,
        bad_rows_percent=corpora.bad_rows_percent,
        store=FETCHED,
        mirror=Path(mirror) if mirror else None,
        out=paths.out,
    )
    write_json(paths.report, facts)


if __name__ == "__main__":
    run(main)
