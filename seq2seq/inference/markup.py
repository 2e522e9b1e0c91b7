"""HTML whose text is translated and whose markup stays: every tag, attribute, comment and entity as it was written.

The text of a block is one unit. Inline tags are put back around
the words that the model made of theirs, as the alignment tells.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from seq2seq.inference.alignment import Alignment
from seq2seq.inference.html_tokens import BLOCKS, Token, read_tokens
from seq2seq.text.normalization import normalise

_MOST_TOKENS = 500  # of a block: no writer's text has more, and time grows with their square
_DEEPEST = 50  # inline tags within each other
_BLANK = re.compile(r"\A(?:\s|&nbsp;|&#160;)+")
# begun only where blanks begin: else blanks before a word would take time with the square of their number
_BLANK_END = re.compile(r"(?<!\s)(?<!&nbsp;)(?<!&#160;)(?:\s|&nbsp;|&#160;)++\Z")
_ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")


@dataclass
class Mark:
    """Markup within a text: it surrounds ``text[start:end]``, or stands at a point where both are equal."""

    opening: str
    start: int
    end: int
    closing: str = ""
    name: str = ""
    within: list["Mark"] = field(default_factory=list)
    kept: str | None = None  # written in the place of the text, such as a program's code

    def surrounds(self, text: str) -> bool:
        """Whether it stands around all of the text, or before or behind it."""
        outside = not text[self.start : self.end].strip()
        edge = not text[: self.start].strip() or not text[self.start :].strip()
        whole = not text[: self.start].strip() and not text[self.end :].strip() and self.kept is None
        return (edge if outside else whole) and all(mark.surrounds(text) for mark in self.within)


@dataclass
class Block:
    """The text between two tags of blocks, which is translated as one."""

    text: str  # normalised
    before: str  # white space, as it was written
    after: str
    marks: list[Mark]
    entities: dict[str, str]  # how the text writes a character

    @property
    def needs_alignment(self) -> bool:
        """Whether some markup stands in the middle of the text."""
        return not all(mark.surrounds(self.text) for mark in self.marks)

    def write(self, output: str, alignment: Alignment | None = None) -> str:
        """HTML of a translation: escaped, with all of the markup.

        Args:
            output: of :attr:`text`.
            alignment: of the two; only where it is needed.
        """
        return self.before + _Writer(self, output, alignment or Alignment.whole(output)).write() + self.after


@dataclass
class Page:
    """What is kept as it is, and what is translated."""

    parts: list[str | Block]

    @property
    def blocks(self) -> list[Block]:
        """What is translated."""
        return [part for part in self.parts if isinstance(part, Block)]

    def write(self, written: Sequence[str]) -> str:
        """The page with each block replaced by HTML, which :meth:`Block.write` gives."""
        blocks = iter(written)
        return "".join(part if isinstance(part, str) else next(blocks) for part in self.parts)


def parse_html(page: str) -> Page:
    """Cut a page, or a part of one, into what is kept and what is translated; nothing in it is lost."""
    parts: list[str | Block] = []
    run: list[Token] = []

    def flush() -> None:
        if run:
            parts.append(_block(run) or "".join(token.raw for token in run))
            run.clear()

    for token in read_tokens(page):
        if token.name in BLOCKS or token.kind == "rest":
            flush()
            parts.append(token.raw)
        else:
            run.append(token)
        if len(run) == _MOST_TOKENS:
            flush()
    flush()
    return Page(parts)


def _block(tokens: list[Token]) -> Block | None:
    """The block of a run of tokens; None where there is nothing to translate."""
    own = "".join(html.unescape(token.raw) for token in tokens if token.kind == "text")
    if not any(map(str.isalpha, own)):
        return None
    reader = _Reader()
    for token in tokens:
        reader.read(token)
    _let_go(reader.marks)
    entities = {entity for token in tokens if token.kind == "text" for entity in _ENTITY.findall(token.raw)}
    written = {char: entity for entity in sorted(entities) if _is_rewritten(char := html.unescape(entity))}
    return Block(reader.text.rstrip(), *_edges(tokens), reader.marks, written)


class _Reader:
    """Collects the text of a run of tokens, and the markup within it."""

    def __init__(self) -> None:
        self.text = ""
        self.marks: list[Mark] = []
        self._open: list[Mark] = []
        self._point: Mark | None = None  # the last one, if no text came since

    def read(self, token: Token) -> None:
        """Take the next token."""
        if token.kind == "text":
            self._add(token.raw)
            self._point = None
            return
        level = self._open[-1].within if self._open else self.marks
        if token.kind == "kept":
            level.append(Mark("", *self._add(token.content), kept=token.raw))
        elif token.kind == "open" and len(self._open) < _DEEPEST:
            level.append(Mark(token.raw, len(self.text), -1, name=token.name))
            self._open.append(level[-1])
        elif token.kind == "close" and any(mark.name == token.name for mark in self._open):
            while (mark := self._open.pop()).name != token.name:
                pass  # never closed
            mark.end, mark.closing = len(self.text), token.raw
        else:  # a tag that has no other half here, or a comment
            self._point = Mark(token.raw, len(self.text), len(self.text))
            level.append(self._point)

    def _add(self, content: str) -> tuple[int, int]:
        """Add normalised text; return where it stands."""
        plain = html.unescape(content)
        core = normalise(plain)
        if plain[:1].isspace() and self.text:
            if not self.text.endswith(" "):
                self.text += " "
            elif self._point:
                self._point.opening += " "  # it stood between two spaces
        span = len(self.text), len(self.text) + len(core)
        self.text += core
        if core and plain[-1:].isspace():
            self.text += " "
        return span


def _is_rewritten(char: str) -> bool:
    """Whether a character that a text writes as an entity is written so again: escaping must not meet it."""
    return len(char) == 1 and not char.isspace() and (not char.isascii() or not (char.isalnum() or char in "&<>;#"))


def _let_go(marks: list[Mark]) -> None:
    """Make points of tags that were never closed; what is within them then stands beside them."""
    at = 0
    while at < len(marks):
        mark = marks[at]
        if mark.end < 0:
            mark.end = mark.start
            marks[at + 1 : at + 1] = mark.within
            mark.within = []
        else:
            _let_go(mark.within)
        at += 1


def _edges(tokens: list[Token]) -> tuple[str, str]:
    """The white space that a run begins and ends with, as it is written."""
    first, last = (token.raw if token.kind == "text" else "" for token in (tokens[0], tokens[-1]))
    return first[: len(first) - len(_BLANK.sub("", first))], (_BLANK_END.search(last) or [""])[0]


class _Writer:
    """Puts the markup of a block into its translation.

    Positions are numbers of words of the output: a span [first, last), or a point before a word.
    """

    def __init__(self, block: Block, output: str, alignment: Alignment) -> None:
        self.block, self.output, self.alignment = block, output, alignment
        self.words = alignment.words

    def write(self) -> str:
        before, after = 0, len(self.output)
        if not self.words:  # no output: the markup stays
            return "".join(map(_raw, self.block.marks)) + self._escape(before, after)
        first, last = self.words[0][0], self.words[-1][1]
        inner = self._render(self.block.marks, 0, len(self.words))
        return self._escape(before, first) + inner + self._escape(last, after)

    def _render(self, marks: list[Mark], first: int, last: int) -> str:
        """The words [first, last) with ``marks`` among them."""
        if first == last:
            return "".join(map(_raw, marks))
        written: list[str] = []
        at = self.words[first][0]
        for begin, end, mark in self._place(marks, first, last):
            position = self.words[begin][0] if begin < last else self.words[last - 1][1]
            written.append(self._escape(at, position))
            if begin == end:
                written.append(_raw(mark) if mark.kept is None else self._spaced(mark.kept, position))
            elif mark.kept is not None:
                written.append(mark.kept)
            else:
                written += [mark.opening, self._render(mark.within, begin, end), mark.closing]
            at = self.words[end - 1][1] if begin < end else position
        return "".join(written) + self._escape(at, self.words[last - 1][1])

    def _place(self, marks: list[Mark], first: int, last: int) -> list[tuple[int, int, Mark]]:
        """Where marks go among the words [first, last): apart from each other, the longest first."""
        placed: list[tuple[int, int, Mark]] = []
        free = [(first, last)]
        around = [mark for mark in marks if self.block.text[mark.start : mark.end].strip()]
        points = []
        for mark in sorted(around, key=lambda mark: mark.start - mark.end):
            if span := self.alignment.best_span(mark.start, mark.end, free, sure=mark.kept is not None):
                placed.append((*span, mark))
                free = _without(free, span)
            else:
                points.append(mark)
        taken = {word for begin, end, _ in placed for word in range(begin + 1, end)}
        points += [mark for mark in marks if not any(mark is one for one in around)]
        at = first
        for mark in sorted(points, key=lambda mark: mark.start):  # in the order in which they stood
            at = self.alignment.best_point(mark.start, at, last, taken)
            placed.append((at, at, mark))
        order = {id(mark): number for number, mark in enumerate(marks)}
        return sorted(placed, key=lambda place: (place[0], place[1], order[id(place[2])]))

    def _spaced(self, kept: str, position: int) -> str:
        before, after = self.output[:position][-1:], self.output[position:][:1]
        return (" " if before.isalnum() else "") + kept + (" " if after.isalnum() else "")

    def _escape(self, start: int, end: int) -> str:
        written = html.escape(self.output[start:end], quote=False)
        for char, entity in self.block.entities.items():
            written = written.replace(char, entity)
        return written


def _raw(mark: Mark) -> str:
    """A mark without text."""
    return mark.opening + (mark.kept or "") + "".join(map(_raw, mark.within)) + mark.closing


def _without(free: list[tuple[int, int]], span: tuple[int, int]) -> list[tuple[int, int]]:
    parts = [part for low, high in free for part in ((low, min(high, span[0])), (max(low, span[1]), high))]
    return [(low, high) for low, high in parts if low < high]
