"""Subtitles, SRT and WebVTT (https://www.w3.org/TR/webvtt1/): two files whose cues are shown at the same time."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.columns import checked
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.rows import NoPair, Row, Wanted
from seq2seq.sources.readers.texts import read_lines

SHARE = 0.5  # of the time that either is shown: two cues belong together where they are shown at once for this much
_TIME = r"(?:(\d+):)?(\d\d):(\d\d)[.,](\d{3})"
_CUE = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_TAG = re.compile(r"</?[a-zA-Z0-9][^<>]*>|\{\\[^}]*\}")  # <i>, <c.red>, <00:01.000>, and {\an8} of SSA


class Cue(NamedTuple):
    """A text, and when it is shown, in seconds."""

    begin: float
    end: float
    text: str


def is_subtitles(head: bytes) -> bool:
    """Whether cues come soon."""
    return any(_CUE.match(line.decode("utf-8", "replace")) for line in head.split(b"\n")[:50])


def read_cues(content: Content, encoding: str) -> Iterator[Cue]:
    """Yield the cues of one file; their lines are joined, their tags removed."""
    times: tuple[float, float] | None = None
    text: list[str] = []
    for line in chain(read_lines(content, encoding), [""]):
        match = _CUE.match(line)
        if times is not None and (match or not line.strip()):
            if match and text and text[-1].isdecimal():  # no empty line before it: this is the next cue's number
                text.pop()
            yield Cue(*times, " ".join(part for part in text if part))
            times = None
        if match:
            times = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
            text = []
        elif line.strip():
            text.append(_TAG.sub("", line).strip())


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return 3600 * hours + 60 * minutes + seconds + thousandths / 1000


def read_subtitles(source: Content, target: Content, wanted: Wanted) -> Iterator[Row]:
    """Yield the pairs of cues that are shown together for at least half of the time that either is.

    Raises:
        UserError: no two cues are.
    """
    ours = list(read_cues(source, wanted.encoding))
    theirs = list(read_cues(target, wanted.encoding))
    found = place = 0
    paired = set()
    for number, cue in enumerate(ours, start=1):
        while place < len(theirs) and theirs[place].end <= cue.begin:
            place += 1
        best, most, at = 0.0, -1, place
        while at < len(theirs) and theirs[at].begin < cue.end:
            if at not in paired and (share := _share(cue, theirs[at])) > best:
                best, most = share, at
            at += 1
        if best < SHARE:
            yield NoPair(f"cue {number:,}", "no cue at the same time on the other side")
            continue
        found += 1
        paired.add(most)
        yield checked("cue", number, cue.text, theirs[most].text)
    for number in range(len(theirs)):
        if number not in paired:
            yield NoPair(f"cue {number + 1:,} of {target.name}", "no cue at the same time on the other side")
    if ours and theirs and not found:
        raise UserError(
            f"no subtitle of {source.name} is shown at the time of one of {target.name}: they belong to different cuts "
            "of a film; shift one, or take both away"
        )


def _share(one: Cue, other: Cue) -> float:
    together = min(one.end, other.end) - max(one.begin, other.begin)
    return together / max(max(one.end, other.end) - min(one.begin, other.begin), 1e-9)
