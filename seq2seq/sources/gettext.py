"""Translated messages of programs, read from the gettext catalogues (.po, .mo) inside a wheel.

A message is known by its catalogue, its context and its id. The id is the English text, but for programs with
symbolic ids: those say it in an English catalogue, or in a comment ``Default: "..."`` as Zope does.
"""

import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polib
from babel.core import get_global

from seq2seq.core.errors import UserError
from seq2seq.text.normalization import normalise
from seq2seq.text.placeholders import PLACEHOLDER, find_placeholders

COUNTS = (
    "broken_catalogues",  # left out whole: they don't parse
    "messages",
    "obsolete",  # kept by translators, no longer in the program
    "fuzzy",  # guessed by a tool, not yet seen by a translator
    "untranslated",
    "repeated",  # in another of the language's locales, such as de and de_DE; the first counts
    "unmatched",  # only one of the languages has it; for English, a symbolic id that nobody explains
    "unlike_placeholders",  # %s, {name}, <b>: not the same ones on both sides
    "accelerators_removed",  # kept, without the mark of its keyboard shortcut
    "pairs",  # a message with a plural gives two
)

# django/conf/locale/de/LC_MESSAGES/django.po (most programs), trytond/ir/locale/de.po (Tryton)
_MEMBER = re.compile(
    r"(?P<folder>(?:.*/)?locales?/)(?P<locale>[^/]+)(?:/LC_MESSAGES/(?P<domain>[^/]+))?\.(?P<format>po|mo)"
)
_SYMBOLIC = re.compile(r"[a-z0-9]+(?:[._][A-Za-z0-9]+)+|\S+_\S+_\S+")  # label_close, plone.name, Name_of_a_page
_DEFAULT = re.compile(r'^Default: "(.*)"', re.DOTALL | re.MULTILINE)
# the mark before a letter, or in brackets behind a text without Latin letters: 文件(&F); not the start of &amp;
_ACCELERATORS = {"_": re.compile(r"\s*\(_\w\)|_(?=[^\W_])"), "&": re.compile(r"\s*\(&\w\)|&(?=\w)(?!#?\w+;)")}


class Forms(NamedTuple):
    """What a message says of one thing, and of many where it has a plural."""

    one: str
    many: str | None


class Message(NamedTuple):
    """A translated entry of a catalogue; ``english`` is None for a symbolic id that nobody explains."""

    english: Forms | None
    translation: Forms


Entry = Any  # polib.POEntry or polib.MOEntry, of which polib ships no types
Key = tuple[str, str, str, str]  # folder, domain, context and id
Messages = dict[Key, Message]


def locale_names(language: str) -> set[str]:
    """The names, in lower case, of a language's own locales: for zh these are zh, zh_hans, zh_cn and zh_hans_cn.

    For a variety such as pt-BR, they are its own alone: pt_br and pt_latn_br.

    Other countries' varieties are left out, and so are scripts other than the usual one.
    """
    language = language.replace("-", "_")
    base, *subtags = language.split("_")
    known = get_global("likely_subtags")
    likely = known.get(language, known.get(base, base)).split("_")
    script, region = likely[1:] if len(likely) == 3 else ("", "")
    for subtag in subtags:
        script, region = (subtag, region) if len(subtag) == 4 else (script, subtag)
    names = [language, f"{base}_{script}", f"{base}_{region}", f"{base}_{script}_{region}"]
    return {name.lower().rstrip("_") for name in names}


def read_pairs(
    wheel: Path, name: str, source: str, target: str, accelerator: str | None
) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Read the translated messages of a wheel as pairs of two languages, in the order of its catalogues.

    Args:
        wheel: the wheel; it is read in place and nothing of it is run.
        name: what to call it in an error.
        source: language of the first text of a pair.
        target: language of the second.
        accelerator: the mark of keyboard shortcuts in this program, ``_`` or ``&``.

    Returns:
        The pairs, and how many messages there were and went where (``COUNTS``).

    Raises:
        UserError: it is no wheel.
    """
    counts = Counter(dict.fromkeys(COUNTS, 0))
    try:
        with zipfile.ZipFile(wheel) as archive:
            texts = _read_texts(archive, source, target, counts)
    except zipfile.BadZipFile:
        raise UserError(f"{name} is not a wheel: it can't be opened as a zip file") from None
    pairs = list(_pair(texts[0], texts[1], accelerator, counts))
    counts["pairs"] = len(pairs)
    return pairs, dict(counts)


def _read_texts(archive: zipfile.ZipFile, source: str, target: str, counts: Counter[str]) -> list[dict[Key, Forms]]:
    """The messages of either language by key; English comes from the other language's catalogues too."""
    found = {
        language: _read_messages(archive, language, Counter() if language == "en" else counts)
        for language in (source, target)
    }
    texts = {
        language: {key: message.translation for key, message in messages.items()}
        for language, messages in found.items()
    }
    if "en" in texts:
        other = found[target if source == "en" else source]
        for key, message in other.items():
            if message.english is not None:
                texts["en"].setdefault(key, message.english)
        texts["en"] = {key: texts["en"][key] for key in other if key in texts["en"]}
    return [texts[source], texts[target]]


def _read_messages(archive: zipfile.ZipFile, language: str, counts: Counter[str]) -> Messages:
    wanted = locale_names(language)
    messages = Messages()
    members = {member: match for member in sorted(archive.namelist()) if (match := _MEMBER.fullmatch(member))}
    for member, match in members.items():
        if match["locale"].replace("-", "_").lower() not in wanted:
            continue
        if match["format"] == "mo" and f"{member[:-2]}po" in members:
            continue  # compiled from it, but without knowing what is fuzzy
        for entry in _parse(archive.read(member), match["format"], counts):
            counts["messages"] += 1
            if fault := find_fault(entry):
                counts[fault] += 1
                continue
            key = (match["folder"], match["domain"] or "", entry.msgctxt or "", entry.msgid)
            counts["repeated"] += key in messages
            messages.setdefault(key, Message(_english(entry), translation_of(entry)))
    return messages


def parse_catalogue(path: Path, kind: str) -> Any:
    """A catalogue on disk, ``po`` or ``mo``, as polib has it: a list of its entries, with metadata.

    Raises:
        UnicodeDecodeError: it isn't in the encoding that it claims.
        OSError: its syntax is wrong.
    """
    return polib.pofile(str(path)) if kind == "po" else polib.mofile(str(path))


def _parse(content: bytes, kind: str, counts: Counter[str]) -> list[Entry]:
    # polib reads a .po given as a string with str.splitlines, which cuts at U+2028 too; so it gets a file
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            return list(parse_catalogue(Path(file.name), kind))
        except (UnicodeDecodeError, OSError):  # polib's syntax errors are OSErrors
            counts["broken_catalogues"] += 1  # released like that: no user can mend it
            return []


def find_fault(entry: Entry) -> str | None:
    """Why an entry has no translation to use; a compiled catalogue holds neither fuzzy nor obsolete ones."""
    if entry.obsolete:
        return "obsolete"
    if isinstance(entry, polib.POEntry) and entry.fuzzy:
        return "fuzzy"
    translation = translation_of(entry)
    return None if normalise(translation.one) and normalise(entry.msgid) else "untranslated"


def translation_of(entry: Entry) -> Forms:
    """The translation of an entry, and that of its plural."""
    if not entry.msgid_plural:
        return Forms(entry.msgstr, None)
    forms = [entry.msgstr_plural[index] for index in sorted(entry.msgstr_plural)]
    return Forms(forms[0], forms[-1]) if forms else Forms("", None)


def _english(entry: Entry) -> Forms | None:
    if default := _DEFAULT.search(entry.comment or ""):
        text = polib.unescape(default[1].replace('"\n"', ""))
        return Forms(text, None) if normalise(text) else None
    if _SYMBOLIC.fullmatch(entry.msgid):
        return None
    return Forms(entry.msgid, entry.msgid_plural or None)


def _pair(
    source: dict[Key, Forms],
    target: dict[Key, Forms],
    accelerator: str | None,
    counts: Counter[str],
) -> Iterator[tuple[str, str]]:
    counts["unmatched"] += len(source.keys() ^ target.keys())
    for key in [key for key in source if key in target]:
        for left, right in zip(source[key], target[key], strict=True):
            if not (left and right and normalise(left) and normalise(right)):
                continue
            if find_placeholders(left) != find_placeholders(right):
                counts["unlike_placeholders"] += 1
                continue
            plain = _remove_accelerators(left, right, accelerator) if accelerator else (left, right)
            counts["accelerators_removed"] += plain != (left, right)
            yield plain


def _remove_accelerators(source: str, target: str, mark: str) -> tuple[str, str]:
    """Remove the one mark of a shortcut from either side; several on a side are something else, such as names."""
    sides = [source, target]
    found = [
        list(_ACCELERATORS[mark].finditer(PLACEHOLDER.sub(lambda match: " " * len(match[0]), side))) for side in sides
    ]
    if any(len(matches) > 1 for matches in found):
        return source, target
    for index, matches in enumerate(found):
        for match in matches:
            sides[index] = sides[index][: match.start()] + sides[index][match.end() :]
    return sides[0], sides[1]
