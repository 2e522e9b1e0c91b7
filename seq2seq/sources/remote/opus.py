"""Corpora of OPUS (Tiedemann 2012), https://opus.nlpl.eu: line-aligned texts in a zip archive."""

from functools import partial

from seq2seq.core.errors import UserError
from seq2seq.sources.first_fetch import Address, Fetched
from seq2seq.sources.readers.aligned import read_aligned
from seq2seq.sources.readers.containers import Content, list_contents
from seq2seq.sources.readers.own import Source
from seq2seq.sources.readers.rows import Wanted
from seq2seq.sources.remote.entries import Opus

HOST = "https://object.pouta.csc.fi"
CITATION = 'Tiedemann 2012, "Parallel Data, Tools and Interfaces in OPUS", and the authors of the corpus'
LICENCE_SHOWN = 200  # characters


def address_of(entry: Opus, wanted: Wanted) -> Address:
    """Where the archive of two languages is; their codes stand in alphabetical order."""
    first, second = sorted(_codes(entry, wanted))
    return Address(f"{HOST}/OPUS-{entry.corpus}/{entry.version}/moses/{first}-{second}.txt.zip")


def _codes(entry: Opus, wanted: Wanted) -> tuple[str, str]:
    """OPUS writes pt_BR."""
    return entry.source or wanted.source.replace("-", "_"), entry.target or wanted.target.replace("-", "_")


def find_texts(entry: Opus, address: Address, fetched: Fetched, wanted: Wanted) -> tuple[Source, dict[str, str]]:
    """The two texts of an archive, and what it says of its licence.

    Raises:
        UserError: it lacks one.
    """
    contents = list_contents(fetched.path, address.url)
    sides: list[Content] = []
    for code in _codes(entry, wanted):
        found = [content for content in contents if content.member.endswith(f".{code}")]
        if len(found) != 1:
            members = ", ".join(content.member for content in contents)
            raise UserError(f"{address.url} has {len(found)} texts in '{code}'; it holds {members}")
        sides.append(found[0])
    facts = {"citation": CITATION}
    for content in contents:
        if content.member == "LICENSE":
            text = " ".join(content.head().decode("utf-8", "replace").split())
            facts["licence"] = text if len(text) <= LICENCE_SHOWN else f"{text[:LICENCE_SHOWN]} ..."
    kind = f"line-aligned files, {sides[0].packing}"
    return Source(address.url, kind, partial(read_aligned, sides[0], sides[1], wanted)), facts
