"""Translation memories and files for translators: TMX and XLIFF.

TMX 1.4b, https://www.gala-global.org/tmx-14b; XLIFF 1.2 and 2.0, https://docs.oasis-open.org/xliff/. Of the codes
inside a text, what stands for markup goes, and what is text stays. Nothing outside the file is loaded.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

from lxml import etree

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import checked
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import BadRow, NoPair, Row, Wanted
from seq2seq.text.languages import matching

CODES = {"bpt", "ept", "it", "ph", "ut", "sc", "ec", "x", "bx", "ex"}  # their content is markup
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
LANGUAGES_SHOWN = 12
_COMMENT = re.compile(rb"<!--.*?(-->|$)", re.DOTALL)  # so that the root, and what stands before it, is in sight
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(tmx|xliff)[\s/>]")


def root_of(head: bytes) -> str:
    """``tmx``, ``xliff``, or nothing where it is neither."""
    found = _ROOT.search(_COMMENT.sub(b"", head)) if head.lstrip().startswith(b"<") else None
    return found[1].decode() if found else ""


def read_tmx(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of a translation memory; of several varieties of a language, the best match counts.

    Raises:
        UserError: it is not well-formed, declares entities, or no unit has one of the languages.
    """
    seen: dict[str, int] = {}
    found = dict.fromkeys((wanted.source, wanted.target), False)
    choose = lru_cache(100)(lambda tags: [matching(language, tags) for language in found])  # most units have the same
    for number, unit in enumerate(_elements(content, {"tu"}), start=1):
        texts: dict[str, str] = {}
        for variant in unit.iterchildren("{*}tuv"):
            tag = variant.get(XML_LANG) or variant.get("lang") or ""
            segment = variant.find("{*}seg")
            if segment is not None:
                texts.setdefault(tag, text_of(segment))
        for tag in texts:
            seen[tag] = seen.get(tag, 0) + 1
        tags = choose(tuple(texts))
        for language, tag in zip(found, tags, strict=True):
            found[language] |= tag is not None
        source, target = (tags * 2)[:2]  # one language, where both are the same
        if source is None or target is None:
            yield NoPair(f"unit {number:,}", "not in both languages")
        else:
            yield checked("unit", number, texts[source], texts[target])
    _check_languages(content.name, found, seen)


def _check_languages(name: str, found: dict[str, bool], seen: dict[str, int]) -> None:
    for language, has in found.items():
        if not has and seen:
            listed = sorted(seen, key=lambda tag: (-seen[tag], tag))
            more = f" and {len(listed) - LANGUAGES_SHOWN} more" if len(listed) > LANGUAGES_SHOWN else ""
            raise UserError(
                f"{name} has no text in '{language}'; it has {', '.join(listed[:LANGUAGES_SHOWN])}{more}: change "
                "languages, or take the file away"
            )


def read_xliff(content: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of translation units (1.2) or segments (2.0) that have a translation.

    Raises:
        UserError: it is not well-formed, declares entities, or is between other languages.
    """
    number = 0
    reverse = False
    for element in _elements(content, {"trans-unit", "segment"}, starts={"xliff", "file"}, around={"unit"}):
        kind = etree.QName(element).localname
        if kind in ("xliff", "file"):
            source = element.get("source-language") or element.get("srcLang")
            target = element.get("target-language") or element.get("trgLang")
            if source:
                reverse = _is_reverse(content.name, source, target or wanted.target, wanted)
            continue
        number += 1
        sides = [element.find("{*}source"), element.find("{*}target")]
        where = f"unit {number:,}"
        if sides[0] is None:
            yield BadRow(where, "no source")
        elif sides[1] is None or not text_of(sides[1]).strip():
            yield NoPair(where, "not translated")
        else:
            texts = [text_of(side) for side in sides]
            yield checked("unit", number, *(texts[::-1] if reverse else texts))


def _is_reverse(name: str, source: str, target: str, wanted: Wanted) -> bool:
    """Whether the file's sources are our targets."""
    if matching(wanted.source, [source]) and matching(wanted.target, [target]):
        return False
    if matching(wanted.source, [target]) and matching(wanted.target, [source]):
        return True
    raise UserError(
        f"{name} is between {source} and {target}, not {wanted.source} and {wanted.target}: change languages, or take "
        "the file away"
    )


def text_of(element: Any) -> str:
    """The text of a segment without its markup: content of codes goes, of ``sub`` inside them stays."""
    if not len(element):
        return element.text or ""
    parts: list[str] = []
    _collect(element, parts, is_text=True)
    return "".join(parts)


def _collect(element: Any, parts: list[str], is_text: bool) -> None:
    if is_text and element.text:
        parts.append(element.text)
    for child in element:
        if isinstance(child.tag, str):
            name = etree.QName(child).localname
            if name == "cp":  # XLIFF 2.0: a character that XML may not hold
                parts.append(_character(child.get("hex", "")))
            else:
                _collect(child, parts, name == "sub" or (is_text and name not in CODES))
        if is_text and child.tail:
            parts.append(child.tail)


def _character(code: str) -> str:
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return ""


def _elements(
    content: Content, names: set[str], starts: Collection[str] = (), around: Collection[str] = ()
) -> Iterator[Any]:
    """Yield elements of these names when they end, or when they begin (``starts``), and forget them then.

    What stands ``around`` them is forgotten too when it ends.
    """
    if b"<!ENTITY" in content.head().replace(b"\x00", b""):
        raise UserError(f"{content.name} declares entities, which may hide anything; it is not read: remove them")
    with content.open() as stream:
        events = etree.iterparse(
            stream,
            events=("start", "end"),
            tag=[f"{{*}}{name}" for name in {*names, *starts, *around}],
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=True,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            for event, element in events:
                name = etree.QName(element).localname
                if event == "start":
                    if name in starts:
                        yield element
                    continue
                if name in names:
                    yield element
                element.clear(keep_tail=False)
                parent = element.getparent()
                while element.getprevious() is not None:
                    del parent[0]
        except etree.XMLSyntaxError as error:
            raise UserError(
                f"{content.name} is not well-formed XML ({' '.join(str(error).split())}); mend it there"
            ) from None
