"""Message catalogues of gettext: ``.po`` and ``.mo``."""

import struct
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

    Raises:
        UserError: it can't be read, or is in another language.
    """
    with content.on_disk() as path:
        kind = "mo" if is_mo(content.head()) else "po"
        try:
            catalogue = parse_catalogue(path, kind)
        except (ValueError, LookupError, OSError, struct.error) as error:
            raise UserError(f"{content.name} can't be read as gettext's .{kind} ({error}); mend it there") from None
    reverse = _is_reverse(content.name, catalogue.metadata.get("Language", ""), wanted)
    for number, entry in enumerate(catalogue, start=1):
        unit, place = ("line", max(entry.linenum, 1)) if isinstance(entry, polib.POEntry) else ("message", number)
        if fault := find_fault(entry):
            yield NoPair(f"{unit} {place:,}", fault)
            continue
        translation = translation_of(entry)
        forms = [(entry.msgid, translation.one)]
        if entry.msgid_plural and translation.many:
            forms.append((entry.msgid_plural, translation.many))
        for source, target in forms:
            yield checked(unit, place, *((target, source) if reverse else (source, target)))


def _is_reverse(name: str, language: str, wanted: Wanted) -> bool:
    """Whether the catalogue translates into our source; one that doesn't say its language is into our target.

    Raises:
        UserError: it is in another language.
    """
    if not language or matching(wanted.target, [language]):
        return False
    if not matching(wanted.source, [language]):
        raise UserError(
            f"{name} is in {language}, neither in {wanted.source} nor in {wanted.target}: change languages, or take "
            "the file away"
        )
    return True
