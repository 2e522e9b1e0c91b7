"""HTML keeps its markup, whatever it is and whatever a model makes of its text."""

import time
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.inference.alignment import Alignment, Sentence
from seq2seq.inference.html_tokens import read_tokens
from seq2seq.inference.markup import parse_html
from seq2seq.text.languages import word_spans


class Markup(HTMLParser):
    """What the standard library's parser finds beside text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=False)
        self.found = Counter()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found[self.get_starttag_text()] += 1

    def handle_endtag(self, tag):
        self.found[f"</{tag}>"] += 1

    def handle_comment(self, data):
        self.found[f"<!--{data}-->"] += 1

    def handle_decl(self, decl):
        self.found[decl] += 1


def translate(page, words, draw=lambda shape: np.eye(*shape)):
    """Each block in ``words`` of another language, aligned by ``draw``."""
    parsed = parse_html(page)
    written = []
    for block in parsed.blocks:
        spans = word_spans(words)
        rows = np.asarray(draw((len(spans), len(block.text))), np.float32)
        written.append(block.write(words, Alignment([Sentence(spans, rows)]) if block.needs_alignment else None))
    return parsed.write(written)


TAGS = (
    st.sampled_from(
        ["<b>", "</b>", '<a href="x?a=1&amp;b=2">', "</a>", "<i class='<p>'>", "</i>", "<br>", "<p>", "</p>"]
    )
    | st.sampled_from(["<img alt='a > b'>", "<code>", "</code>", "<!-- <b> -->", "<td>", "<script>a<b></script>"])
    | st.sampled_from(["<span translate=no>", "</span>", "<pre>", "</pre>", "<x-y/>", "<title>a</title>"])
    | st.sampled_from(["<!DOCTYPE html>", "&amp;", "&lt;p&gt;", "&nbsp;", " ", "one ", "two", " x < y"])
)
WORDS = st.text(st.sampled_from("ab é<>&;\"'/!-?\n"), max_size=6)


@settings(max_examples=200, deadline=None)
@given(st.lists(TAGS, max_size=15), WORDS, st.randoms(use_true_random=False))
def test_every_tag_comes_out_as_often_as_it_went_in(parts, words, random):
    page = "".join(parts)

    def draw(shape):
        return [[random.random() for _ in range(shape[1])] for _ in range(shape[0])]

    assert Markup(translate(page, words, draw)).found == Markup(page).found


SOUP = st.sampled_from([*"ab <>/!-?=\"'&;\n", "<script", "</script>", "<b ", "</b", "<!--", "-->", "<title", "<code>"])


@settings(max_examples=200, deadline=None)
@given(st.lists(SOUP, max_size=12).map("".join))
def test_broken_markup_keeps_every_part_too(page):
    def parts(text):
        return Counter(token.raw for token in read_tokens(text) if token.kind != "text")

    assert parts(translate(page, "x < y")) == parts(page)


@pytest.mark.parametrize(
    ("page", "texts", "written"),
    [
        ("<p>a red <b>ball</b></p>", ["a red ball"], "<p>W X</p>".replace("W X", "W <b>X</b>")),
        ("<b>all</b>", ["all"], "<b>W X</b>"),
        ("\n  a&nbsp;b \n<hr>", ["a b"], "\n  W X \n<hr>"),
        ("<script>x</script><pre>y</pre><p translate='no'>z</p>&nbsp;1", [], None),
        ("<p class='a notranslate'>z<p>z</p></p>y", ["y"], "<p class='a notranslate'>z<p>z</p></p>W X"),
        ("a <code>b", ["a"], "W X <code>b"),
        ("a <b", ["a"], "W X <b"),
        ("a < b", ["a < b"], "W X"),
        ("<title>a <b></title>", ["a <b>"], "<title>W X</title>"),
    ],
)
def test_what_is_translated_and_what_is_kept(page, texts, written):
    parsed = parse_html(page)
    assert [block.text for block in parsed.blocks] == texts

    def ends(shape):
        return [[float(char == (0 if row == 0 else shape[1] - 1)) for char in range(shape[1])] for row in range(2)]

    assert translate(page, "W X", ends) == (page if written is None else written)


def test_text_is_escaped_and_characters_are_written_as_the_block_writes_them():
    assert translate("&lt;script&gt; &eacute; &quot;a&quot;", '<script> é "&lt;"') == (
        "&lt;script&gt; &eacute; &quot;&amp;lt;&quot;"
    )


def test_a_tag_follows_its_words_and_code_stands_for_its_own():
    source, output = "the red ball and ls", "ls und der Ball rot"
    words = word_spans(output)
    origin = ["ls", "and", "the", "ball", "red"]
    rows = np.zeros((5, len(source)), np.float32)
    for row, word in enumerate(origin):
        start = source.index(word)
        rows[row, start : start + len(word)] = 1 / len(word)
    (block,) = parse_html("the <i>red</i> <b>ball</b> and <code>ls</code>").blocks
    assert block.text == source
    assert block.write(output, Alignment([Sentence(words, rows)])) == "<code>ls</code> und der <b>Ball</b> <i>rot</i>"


@pytest.mark.parametrize(
    "page",
    [
        "<b>" * 10_000 + "x" + "</i>" * 10_000,
        "<b>x</b> " * 10_000,
        "<a <b " * 10_000,
        "<" * 50_000,
        "x" + " " * 50_000 + "x",
    ],
)
def test_no_page_takes_long(page):
    began = time.monotonic()
    translate(page, "W X")
    assert time.monotonic() - began < 5
