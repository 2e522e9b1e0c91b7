"""Which languages files name: in a header, in TMX, XLIFF or gettext's ``Language``, or in their own names."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from python_calamine import CalamineError, load_workbook

from seq2seq.sources.readers import binary, catalogues, exchange
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.texts import as_utf8
from seq2seq.text.languages import TAG, usual_case
from seq2seq.text.scripts import canonical_code, own_name_of, tag_of_name, unknown_subtag

# Two letters of a file's name are seldom a language: "my", "no", "it" and "is" are words, these are not.
COMMON = {"zh", "ja", "ko", "de", "fr", "es", "pt", "ru", "pl", "cs", "tr", "ar", "vi", "nl", "sv", "uk", "en"}
LOOKED_AT = 100  # files, whose names are read
_NUMBERS = {"id", "no"}  # of rows, in a header, and not Indonesian or Norwegian
_WORDS = re.compile(r"[a-z]{2,3}([-_][A-Z][A-Za-z]{1,3})?(?![a-z])|[A-Za-z]+")  # of a name: news, en, pt-BR, tsv
_VARIANT = re.compile(rb"<tuv\s[^>]*?\blang\s*=\s*[\"']([\w-]+)")
_SOURCE = re.compile(rb"\b(?:source-language|srcLang|srclang)\s*=\s*[\"']([\w-]+)")
_TARGET = re.compile(rb"\b(?:target-language|trgLang)\s*=\s*[\"']([\w-]+)")
_CATALOGUE = re.compile(rb"\"Language: ([\w-]+)\\n\"")
_KEY = re.compile(r'"([^"]{2,30})"\s*:')


class Named(NamedTuple):
    """Languages that something names; a file is between two where there are two."""

    languages: list[str]  # BCP 47 tags, each once, in the order in which they stand
    where: str  # in words


def named_languages(contents: Sequence[Content], encoding: str) -> Named:
    """The languages that the first content names inside, or else the names of all."""
    inside = _inside(contents[0], encoding) if contents else []
    if len(inside) > 1:
        return Named(inside, "what it says inside")
    names = [content.name.rpartition("/")[2] for content in contents[:LOOKED_AT]]
    where = "its name" if len(names) == 1 else "the names of its files"
    return Named(_distinct(tag for name in names for tag in _of_file(name)), where)


def _inside(content: Content, encoding: str) -> list[str]:
    head = content.head()
    if binary.is_parquet(head) or binary.is_sqlite(head):
        return []
    if binary.is_spreadsheet(head):
        return _distinct(map(_of_word, _first_row(content)))
    head = as_utf8(head, encoding)
    if exchange.root_of(head):
        found = _SOURCE.findall(head)[:1] + _TARGET.findall(head)[:1] + _VARIANT.findall(head)
        return _distinct(_of_tag(tag.decode()) for tag in found)
    if catalogues.is_po(head):  # whose ids are English, as nearly all are
        return _distinct(["en", *(_of_tag(tag.decode()) for tag in _CATALOGUE.findall(head)[:1])])
    text = head.decode("utf-8", "replace")
    if text.lstrip().startswith(("{", "[")):
        return _distinct(map(_of_word, _KEY.findall(text)))
    return _distinct(map(_of_word, re.split(r"[\t,;|]", text.partition("\n")[0])))


def _first_row(content: Content) -> Iterator[str]:
    with content.open() as stream:
        try:
            workbook = load_workbook(stream)
            for sheet in binary.filled_sheets(workbook)[:1]:
                for row in islice(workbook.get_sheet_by_name(sheet).iter_rows(), 1):
                    yield from map(str, row)
        except CalamineError:
            return  # its reader says why


def _of_word(word: str) -> str:
    """What a column is named for: a tag, or a language's name in English or in itself; empty for anything else."""
    word = word.strip(' "\r\n')
    if word.casefold() in _NUMBERS:
        return ""
    own = {own_name_of(language).casefold(): language for language in sorted(COMMON)}
    return tag_of_name(word) or own.get(word.casefold(), "") or _of_tag(word)


def _of_file(name: str) -> Iterator[str]:
    """Languages in a file's name: en and pt-BR in ``news.en-pt_BR.tsv``."""
    for found in _WORDS.finditer(name):
        if (tag := _of_tag(found[0])).split("-")[0] in COMMON:
            yield tag


def _of_tag(word: str) -> str:
    """A tag as BCP 47 writes it, zh for cmn and en for eng; empty where it is none that the Unicode CLDR knows."""
    first, *rest = usual_case(word).split("-")
    code = canonical_code(first)
    tag = "-".join([code, *rest])
    known = TAG.fullmatch(tag) and not unknown_subtag(tag)
    return tag if known and (len(first) == 2 or code in COMMON) else ""  # of longer codes most are words


def _distinct(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, tags)))
