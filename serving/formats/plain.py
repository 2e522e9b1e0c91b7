"""Plain text, HTML, and subtitles (SRT)."""

import html
import re
from collections.abc import Sequence

from serving.formats.form import HTML, TEXT

_TIMES = re.compile(r"\s*(?:\d+:)?\d\d:\d\d[,.]\d{3}\s*-->")
_POSITION = re.compile(r"(?:\{\\[^}]*\})*")  # {\an8}
_LONGEST_LINE = (
    42  # characters that are read at a glance, https://www.bbc.co.uk/accessibility/forproducts/guides/subtitles
)


class PlainText:
    """Lines of text; each is translated, however many sentences it has."""

    markup = TEXT

    def __init__(self, content: str) -> None:
        self._lines = re.split(r"(\r?\n)", content)  # lines and their ends in turns
        self.texts = [line for line in self._lines[::2] if line.strip()]

    def write(self, outputs: Sequence[str], faults: Sequence[list[str]]) -> str:
        """The lines, translated."""
        rest = iter(outputs)
        return "".join(
            next(rest) if place % 2 == 0 and part.strip() else part for place, part in enumerate(self._lines)
        )


class Page:
    """A page of HTML."""

    markup = HTML

    def __init__(self, content: str) -> None:
        self.texts = [content]

    def write(self, outputs: Sequence[str], faults: Sequence[list[str]]) -> str:
        """The page, translated."""
        return outputs[0]


class Subtitles:
    """Cues, each translated alone; numbers, times, positions and tags stay."""

    markup = HTML  # for the tags

    def __init__(self, content: str) -> None:
        self._end = "\r\n" if "\r\n" in content else "\n"
        self._parts: list[str | None] = []  # None is the text of a cue
        self._heads: list[str] = []
        self.texts: list[str] = []
        cue: list[str] | None = None
        for line in [*content.splitlines(), ""]:
            if _TIMES.match(line):
                self._parts.append(line)
                cue = []
            elif cue is None or not line.strip():
                self._close(cue)
                self._parts.append(line)
                cue = None
            else:
                cue.append(line.strip())
        self._parts.pop()

    def _close(self, cue: list[str] | None) -> None:
        if cue:
            text = " ".join(cue)
            head = _POSITION.match(text)
            self._heads.append(head[0] if head else "")
            self.texts.append(text[len(self._heads[-1]) :])
            self._parts.append(None)

    def write(self, outputs: Sequence[str], faults: Sequence[list[str]]) -> str:
        """The cues, translated; a long one gets two lines."""
        cues = zip(self._heads, outputs, strict=True)
        lines = []
        for part in self._parts:
            if part is None:
                head, output = next(cues)
                lines += [head + self._end.join(_two_lines(html.unescape(output)))]
            else:
                lines.append(part)
        return self._end.join(lines) + self._end


def _two_lines(text: str) -> list[str]:
    spaces = [match.start() for match in re.finditer(r" (?![^<]*>)", text)]
    if len(text) <= _LONGEST_LINE or not spaces:
        return [text]
    middle = min(spaces, key=lambda place: abs(place - len(text) / 2))
    return [text[:middle], text[middle + 1 :]]
