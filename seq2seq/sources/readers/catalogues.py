"""Message catalogues of gettext: ``.po`` and ``.mo``."""

from collections.abc import Iterator

import polib

from seq2seq.core.errors import UserError
from seq2seq.sources.gettext import find_fault, parse_catalogue, translation_of
from seq2seq.sources.readers.columns import checked
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import NoPair, Row, Wanted
from seq2seq.text.languages import matching

_MO = (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde")


def is_po(head: bytes) -> bool:
    """Whether it has messages."""
    return b'\nmsgid "' in b"\n" + head and b"msgstr" in head


def is_mo(head: bytes) -> bool:
    """Whether it begins as compiled catalogues do."""
    return head.startswith(_MO)


def read_catalogue(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield each message and its translation, and both forms of a plural; the ids are in the source language.

    Where the catalogue says that its language is our source, sides change places.
    """
    with content.on_disk() as path:
        kind = "mo" if is_mo(content.head()) else "po"
        try:
            catalogue = parse_catalogue(path, kind)
        except (UnicodeDecodeError, OSError, ValueError) as error:
            raise UserError(f"{content.name} can't be read as gettext's .{kind} ({error}); mend it there") from None
    written_in = catalogue.metadata.get("Language", "")
    reverse = bool(written_in) and bool(matching(wanted.source, [written_in])) and wanted.source != wanted.target
    for number, entry in enumerate(catalogue, start=1):
        unit, place = ("line", entry.linenum) if isinstance(entry, polib.POEntry) else ("message", number)
        if fault := find_fault(entry):
            yield NoPair(f"{unit} {place:,}", fault)
            continue
        translation = translation_of(entry)
        forms = [(entry.msgid, translation.one)]
        if entry.msgid_plural and translation.many:
            forms.append((entry.msgid_plural, translation.many))
        for source, target in forms:
            yield checked(unit, place, *((target, source) if reverse else (source, target)))
