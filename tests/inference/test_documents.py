import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq import Translator
from seq2seq.inference.documents import split_sentences, split_to_fit
from seq2seq.inference.splitter import Splitter
from tests.tiny_models import DECODING, LANGUAGES, RUNTIME, SMALL

LETTER = "Dear Dr. Smith,\n\n  - It is Jan. 5 today.  What now?\n  2) Go on!\n\n> You wrote 3.5 km. Right?\r\n"


def test_sentences_are_found_and_what_stands_between_them_stays():
    document = split_sentences(LETTER, "en")
    assert document.sentences == [
        "Dear Dr. Smith,", "It is Jan. 5 today.", "What now?", "Go on!", "You wrote 3.5 km.", "Right?"
    ]  # fmt: skip
    assert document.gaps == ["", "\n\n  - ", "  ", "\n  2) ", "\n\n> ", " ", "\r\n"]
    numbered = document.join([str(number) for number in range(6)])
    assert numbered == "0\n\n  - 1  2\n  2) 3\n\n> 4 5\r\n"


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("aB .!-1>\n\r\t\x00\u2028。你ก")))
def test_nothing_of_a_text_is_lost(text):
    document = split_sentences(text, "en")
    assert document.join(document.sentences) == text
    assert all(sentence.strip() == sentence != "" for sentence in document.sentences)


@pytest.mark.parametrize("space", ["\xa0", "\u2028", "\u3000", "\x85"])
def test_no_space_ends_the_process(space):
    text = f"B{space}.“ Tom{space}."
    document = split_sentences(text, "en")
    assert document.join(document.sentences) == text


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("ab ,;。，\n"), max_size=200), st.integers(1, 30))
def test_a_sentence_that_is_too_long_is_split_until_its_parts_fit(sentence, most):
    document = split_to_fit(sentence, lambda part: len(part) <= most)
    assert document.join(document.sentences) == sentence
    assert all(len(part) <= most for part in document.sentences)


def test_it_is_split_where_it_pauses():
    sentence = "when the rain had ended, the children went out and played in the garden"
    assert split_to_fit(sentence, lambda part: len(part) < 50).sentences == [sentence[:24], sentence[25:]]


@pytest.mark.parametrize(
    ("source", "spaced", "joined"),
    [("你好。走吧。", True, "A B"), ("One. Two.", False, "AB"), ("One.\nTwo.", False, "A\nB")],
)
def test_between_sentences_stands_what_the_other_language_puts_there(source, spaced, joined):
    document = split_sentences(source, "zh" if spaced else "en")
    assert document.join(["A", "B"], spaced=spaced) == joined


def test_a_long_text_is_translated_to_its_end_as_its_sentences_are(trained):
    translator = Translator.load(trained[1], RUNTIME)
    sentences = ["the king sees 12 books .", "a dog paints the sea ."]
    outputs = translator.translate(sentences, DECODING)
    text = "\n".join(sentences * 40)
    assert translator.translate([text], DECODING) == ["\n".join(outputs * 40)]
    endless = "the cat sees the sea and " * 50
    assert translator.splitter.find_long([text, endless]) == [False, True]
    assert len(translator.translate([endless], DECODING)[0].split()) > SMALL.max_length


def test_what_a_tokenizer_adds_counts_against_the_limit(tokenizer, monkeypatch):
    encode = tokenizer.encode_source
    monkeypatch.setattr(tokenizer, "encode_source", lambda texts: [[5] * 16 + pieces for pieces in encode(texts)])
    splitter = Splitter(tokenizer, LANGUAGES, 30)
    text = "qxzj, qxzj, qxzj, qxzj"  # fewer bytes than the limit
    assert len(tokenizer.encode_source([text])[0]) > 30
    assert splitter.find_long([text]) == [True]
    parts = splitter.split([text])[0].sentences
    assert len(parts) > 1 and max(map(len, tokenizer.encode_source(parts))) <= 30
