import pytest

from seq2seq.text.perturbations import in_capitals, translate_perturbed, with_slip


def test_a_slip_swaps_two_neighbouring_letters_of_one_word_and_is_always_the_same():
    text = "The parcel arrives tomorrow, at 12:30 in the kitchen"
    slipped = with_slip(text)
    assert slipped == with_slip(text)
    differing = [at for at, (left, right) in enumerate(zip(text, slipped, strict=True)) if left != right]
    assert len(differing) == 2
    assert differing[1] == differing[0] + 1
    assert text[differing[0]] == slipped[differing[1]]
    assert text[differing[1]] == slipped[differing[0]]


def test_slips_fall_on_different_words():
    texts = [f"monday tuesday wednesday {number}" for number in range(60)]
    hit = set()
    for text in texts:
        pairs = zip(text.split(), with_slip(text).split(), strict=True)
        hit.add(next(place for place, (left, right) in enumerate(pairs) if left != right))
    assert hit == {0, 1, 2}


@pytest.mark.parametrize("text", ["", "so it is", "12345 %(name)s", "oooo"])
def test_a_text_without_a_long_word_of_different_letters_has_no_slip(text):
    assert with_slip(text) == text


def test_capitals_change_nothing_where_the_script_has_none():
    assert in_capitals("Über uns") == "ÜBER UNS"
    assert in_capitals("我们 שלום") == "我们 שלום"


def test_only_sources_that_change_are_translated_again():
    asked = []

    def translate(sources):
        asked.extend(sources)
        return [f"<{source}>" for source in sources]

    found = translate_perturbed(translate, ["so", "tomorrow", "我们"], ["a", "b", "c"])
    assert found["capitals"] == ["<SO>", "<TOMORROW>", "c"]
    assert found["slips"] == ["a", f"<{with_slip('tomorrow')}>", "c"]
    assert len(asked) == 3
