"""The kinds of files that are read, in the order in which a content is tried."""

from seq2seq.core.errors import UserError
from seq2seq.sources.readers import binary, catalogues, delimited, documents, exchange, subtitles
from seq2seq.sources.readers.containers import HEAD, Content
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
TABLE = Reader("table", delimited.is_table, delimited.read_delimited)
READ = "TSV, CSV, JSON, Parquet, xlsx, ods, TMX, XLIFF, .po, .mo or SQLite, or a pair of files such as x.en and x.de"


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
    if subtitles.is_subtitles(head):
        raise UserError(
            f"{content.name} are subtitles of one language; put those of the other beside them, named alike, such as "
            f"film.{wanted.source}.srt and film.{wanted.target}.srt"
        )
    if head.count(b"\x00") > len(head) / 5:
        which = "utf-16-be" if head[::2].count(b"\x00") > head[1::2].count(b"\x00") else "utf-16-le"
        raise UserError(f"{content.name} looks like {which}: add --set corpora.encoding={which}, or save it as UTF-8")
    if not TABLE.recognises(head):
        # of a text that was cut in the middle of a character, the beginning is text all the same
        sort = "plain text of one column" if _is_text(head) else "no text"
        raise UserError(f"{content.name}: no reader takes it ({sort}); what is read is {READ}. Put others elsewhere")
    return TABLE


def _is_text(head: bytes) -> bool:
    return b"\x00" not in head and head[: HEAD - 4].decode("utf-8", "replace").count("\ufffd") < 1 + len(head) // 100
