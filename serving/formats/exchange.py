"""XLIFF 1.2 and 2.0, https://docs.oasis-open.org/xliff/: units without a translation are filled."""

import re
from collections.abc import Sequence
from typing import Any

from lxml import etree

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.exchange import CODES
from serving.formats.form import HTML

_NAMESPACE = re.compile(r'\sxmlns(?::\w+)?="[^"]*"')
_STAND_IN = re.compile(r"<code-(\d+)/>")


class Xliff:
    """Units whose target is missing or empty; codes inside a text stay, and go with their words."""

    markup = HTML  # for the codes

    def __init__(self, content: str, name: str) -> None:
        """Find the units to fill.

        Raises:
            UserError: it is no XLIFF.
        """
        parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
        try:
            self._root = etree.fromstring(content.encode(), parser)
        except etree.XMLSyntaxError as error:
            raise UserError(f"{name} is no well-formed XML ({' '.join(str(error).split())}); mend it there") from None
        if etree.QName(self._root).localname != "xliff":
            raise UserError(f"{name} is no XLIFF: its root is {etree.QName(self._root).localname}")
        units = [*self._root.iter("{*}trans-unit"), *self._root.iter("{*}segment")]
        self._units = [unit for unit in units if _is_empty(unit) and unit.get("translate") != "no"]
        inner = [_inner(unit.find("{*}source")) for unit in self._units]
        self.texts = [text for text, _ in inner]
        self._codes = [codes for _, codes in inner]

    def write(self, outputs: Sequence[str], faults: Sequence[list[str]]) -> str:
        """The file, filled; what a person should look at says so in version 1.2's attribute ``state``."""
        for unit, output, codes, fault in zip(self._units, outputs, self._codes, faults, strict=True):
            source = unit.find("{*}source")
            old = unit.find("{*}target")
            if old is not None:
                unit.remove(old)
            target = _element(source, _STAND_IN.sub(lambda match: codes[int(match[1])], output))  # noqa: B023
            if etree.QName(unit).localname == "trans-unit":
                target.set("state", "needs-review-translation" if fault else "translated")
            target.tail = source.tail
            source.addnext(target)
        written = etree.tostring(self._root.getroottree(), encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'


def _is_empty(unit: Any) -> bool:
    source, target = unit.find("{*}source"), unit.find("{*}target")
    empty = target is None or not (len(target) or (target.text or "").strip())
    return empty and source is not None and bool("".join(source.itertext()).strip())


def _inner(source: Any) -> tuple[str, list[str]]:
    """The inside of an element as markup, with an empty tag in the place of each code, and the codes."""
    copy = etree.fromstring(etree.tostring(source, with_tail=False))
    codes: list[str] = []
    for element in list(copy.iter()):
        parent = element.getparent()
        if parent is not None and isinstance(element.tag, str) and etree.QName(element).localname in CODES:
            codes.append(_NAMESPACE.sub("", etree.tostring(element, encoding="unicode", with_tail=False)))
            stand_in = etree.Element(f"code-{len(codes) - 1}")
            stand_in.tail = element.tail
            parent.replace(element, stand_in)
    written = etree.tostring(copy, encoding="unicode")
    inside_tags = written[written.index(">") + 1 : written.rindex("<")]
    return _NAMESPACE.sub("", inside_tags), codes


def _element(source: Any, inside: str) -> Any:
    names = [(f"xmlns:{prefix}" if prefix else "xmlns", uri) for prefix, uri in source.nsmap.items() if prefix != "xml"]
    spaces = "".join(f' {name}="{uri}"' for name, uri in names)
    return etree.fromstring(f"<target{spaces}>{inside}</target>")
