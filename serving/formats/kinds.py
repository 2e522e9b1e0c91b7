"""Which format a file has, told by its name."""

from pathlib import Path

from seq2seq.core.errors import UserError
from serving.formats.catalogues import Catalogue
from serving.formats.exchange import Xliff
from serving.formats.form import Form
from serving.formats.plain import Page, PlainText, Subtitles
from serving.formats.tables import Table

KNOWN = ".txt, .html, .htm, .xhtml, .po, .pot, .xlf, .xliff, .srt, .csv, .tsv"


def read_form(path: Path, language: str, column: str | None, into: str | None) -> Form:
    """Read a file.

    Args:
        path: of the file.
        language: of the translations.
        column: of a table, to translate.
        into: of a table, to write; None is the column's name with the language.

    Raises:
        UserError: it isn't there, isn't UTF-8, or has no known format.
    """
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error.reason}); convert it, for instance with iconv") from None
    match path.suffix.lower():
        case ".txt":
            return PlainText(content)
        case ".html" | ".htm" | ".xhtml":
            return Page(content)
        case ".po" | ".pot":
            return Catalogue(path, language)
        case ".xlf" | ".xliff":
            return Xliff(content, str(path))
        case ".srt":
            return Subtitles(content)
        case ".csv" | ".tsv" as kind:
            delimiter = "," if kind == ".csv" else "\t"
            return Table(content, str(path), delimiter, column, into or f"{column}_{language}")
    raise UserError(f"{path} has none of the endings that are known: {KNOWN}")
