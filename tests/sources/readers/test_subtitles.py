import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import TWO, read

CUES = [(1000, 2000, 0), (2000, 3500, 1)]


def clock(milliseconds, mark):
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{thousandths:03}"


def srt(texts, shift=0, gap="\n"):
    cues = [
        f"{number}\n{clock(begin + shift, ',')} --> {clock(end + shift, ',')}\n{texts[index]}\n"
        for number, (begin, end, index) in enumerate(CUES, start=1)
    ]
    return gap.join(cues)


SIDES = [[pair[side] for pair in TWO] for side in (0, 1)]
MARKED = ["<i>A</i>\n{\\an8}house", "A\n<c.loud>dog</c>"]


@pytest.mark.parametrize(
    "english",
    [
        srt(SIDES[0]),
        srt(SIDES[0], shift=200),
        srt(MARKED).replace("\n", "\r\n"),
        srt(SIDES[0], gap=""),  # without the empty line between them
        "WEBVTT - by us\n\nSTYLE\n::cue {}\n\n" + srt(SIDES[0]).replace(",", "."),
        "\ufeff" + srt(SIDES[0]),
    ],
)
def test_cues_are_paired_by_time(tmp_path, english):
    (tmp_path / "film.en.srt").write_text(english, newline="")
    (tmp_path / "film.de.srt").write_text(srt(SIDES[1]))
    found = read(tmp_path)
    assert (found.kinds, found.pairs, found.none) == (["subtitles"], TWO, [])


def test_cues_without_a_partner_are_counted(tmp_path):
    (tmp_path / "film.en.srt").write_text(srt(SIDES[0]) + "\n3\n00:00:09,000 --> 00:00:10,000\nAlone\n")
    (tmp_path / "film.de.srt").write_text(srt(SIDES[1]) + "\n3\n00:00:19,000 --> 00:00:20,000\nAllein\n")
    found = read(tmp_path)
    assert found.pairs == TWO
    assert [where.split(" of ")[0] for where, _ in found.none] == ["cue 3", "cue 3"]


def test_another_cut_of_the_film_is_said_to_be_so(tmp_path):
    (tmp_path / "film.en.vtt").write_text(srt(SIDES[0], shift=3_600_000))
    (tmp_path / "film.de.vtt").write_text(srt(SIDES[1]))
    with pytest.raises(UserError, match=r"no subtitle of .*film\.en\.vtt is shown at the time of one of .*film\.de"):
        read(tmp_path)


def test_subtitles_of_one_language_ask_for_the_other(tmp_path):
    (tmp_path / "film.en.srt").write_text(srt(SIDES[0]))
    with pytest.raises(
        UserError, match=r"film\.en\.srt are subtitles of one language.*film\.en\.srt and film\.fr\.srt"
    ):
        read(tmp_path, Wanted("en", "fr"))
