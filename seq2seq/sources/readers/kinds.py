"""The kinds of files that are read, in the order in which a content is tried."""

from seq2seq.core.errors import UserError
from seq2seq.sources.readers import binary, catalogues, delimited, documents, exchange, subtitles
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import Reader, Wanted
from seq2seq.sources.readers.texts import as_utf8

READERS = [
    Reader("Parquet", binary.is_parquet, binary.read_parquet),
    Reader("SQLite", binary.is_sqlite, binary.read_sqlite),
    Reader("spreadsheet", binary.is_spreadsheet, binary.read_spreadsheet),
    Reader("gettext .mo", catalogues.is_mo, catalogues.read_catalogue),
    Reader("TMX", lambda head: exchange.root_of(head) == "tmx", exchange.read_tmx),
    Reader("XLIFF", lambda head: exchange.root_of(head) == "xliff", exchange.read_xliff),
    Reader("gettext .po", catalogues.is_po, catalogues.read_catalogue),
    Reader("JSON lines", documents.is_lines, documents.read_json_lines),
    Reader("JSON", documents.is_document, documents.read_json_document),
]
# A text that is none of these may be a table, or one side of a pair of files
TABLE = Reader("table", lambda head: True, delimited.read_delimited)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b\x1c\x1d\x1e\x1f"))
READ = "TSV, CSV, JSON, Parquet, xlsx, ods, TMX, XLIFF, .po, .mo or SQLite"


def find_reader(content: Content, wanted: Wanted) -> Reader | None:
    """The reader of a content that tells what it is; None for a plain text."""
    head = as_utf8(content.head(), wanted.encoding)
    return next((reader for reader in READERS if reader.recognises(head)), None)


def find_table(content: Content, wanted: Wanted) -> Reader:
    """The reader of a plain text that stands alone: a table.

    Raises:
        UserError: it is none.
    """
    head = as_utf8(content.head(), wanted.encoding)
    source, target = (wanted.source, wanted.target) if wanted.source != wanted.target else ("en", "de")
    if subtitles.is_subtitles(head):
        raise UserError(
            f"{content.name} are subtitles of one language; put those of the other beside them, named alike, such as "
            f"film.{source}.srt and film.{target}.srt, and name their folder"
        )
    if not _is_text(head):
        if which := _looks_like_utf16(head):
            raise UserError(
                f"{content.name} looks like {which}: add --set corpora.encoding={which}, or save it as UTF-8"
            )
        raise UserError(f"{content.name}: no reader takes it (no text); what is read is {READ}. Put others elsewhere")
    if not delimited.is_table(content, wanted):
        raise UserError(
            f"{content.name}: no reader takes it (plain text of one column). If its other language is a file beside "
            f"it, such as x.{source} and x.{target}, name their folder; what is read besides is {READ}"
        )
    return TABLE


def _is_text(head: bytes) -> bool:
    """Whether it has few control characters: text in UTF-16, read byte by byte, has many."""
    return _controls(head) <= 1 + len(head) / 20


def _controls(data: bytes) -> int:
    return len(data) - len(data.translate(None, _CONTROLS))


def _looks_like_utf16(head: bytes) -> str | None:
    """Its first byte or its second is that of an alphabet, which is below 32 for most."""
    share = 0.3 * len(head) / 2
    even, odd = _controls(head[::2]), _controls(head[1::2])
    if max(even, odd) < share or min(even, odd) > share:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"
