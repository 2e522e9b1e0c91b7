import pytest
from pydantic import ValidationError

from seq2seq.text.languages import LanguagesParams, count_words, matching, split_words
from seq2seq.text.scripts import script_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("One two three.", 3),
        ("Größe zählt – immer", 4),
        ("हिन्दी भाषा", 2),
        ("한국어 말", 2),
        ("我们今天在车站。", 3.5),
        ("我们 use Python，你好。", 4),
        ("𠮷野家", 1.5),  # the first is of extension B
        ("人々", 1),  # the iteration mark repeats a letter
        ("ひらがなとカタカナ", 4.5),
        ("ﾕｰｻﾞｰ", 2),  # half-width; one of the five is a mark
        ("ㄅㄆㄇㄈ", 2),
        ("ภาษาไทย", 3.5),
        ("ที่นี่", 1),  # two letters, two vowel signs and two tones
        ("ພາສາລາວ", 3.5),
        ("ភាសាខ្មែរ", 2.5),
        ("မြန်မာ", 1.5),
        ("བོད་སྐད།", 2),
        ("ꦧꦱꦗꦮ", 2),
        ("ᬩᬲᬩᬮᬶ", 2),
        ("ᨣᩤᩴᨾᩮᩬᩥᨦ", 1.5),
        ("ᦅᧄᦺᦑᦟᦹᧉ", 3.5),
        ("ꊿꂷꃅꄿ", 2),
    ],
)
def test_lengths_are_comparable_between_scripts_with_and_without_spaces(text, words):
    assert count_words(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ﾊﾞﾅﾅ ﾃﾞｽ｡", ["ﾊﾞ", "ﾅ", "ﾅ", "ﾃﾞ", "ｽ"]),
        ("人々、𠮷野家", ["人", "々", "𠮷", "野", "家"]),
        ("བོད་སྐད།", ["བོ", "ད", "སྐ", "ད"]),
        ("ទី១។", ["ទី", "១"]),
    ],
)
def test_a_letter_of_an_unspaced_script_keeps_its_signs(text, words):
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("code", "script"),
    [("zh", "Hans"), ("zh-Hant", "Hant"), ("zh_TW", "Hant"), ("ja-Latn", "Latn"), ("jpn", "Jpan"), ("qqq", "Latn")],
)
def test_the_script_of_a_language_is_the_one_that_its_code_names_or_the_usual_one(code, script):
    assert script_of(code) == script


@pytest.mark.parametrize(
    ("tag", "meant"), [("english", ""), ("e", ""), ("EN", "en"), ("pt_br", "pt-BR"), ("zh-hant", "zh-Hant"), ("", "")]
)
def test_what_is_no_tag_of_a_language_is_refused(tag, meant):
    for good in ("deu", "en-GB", "zh-Hant", "sr-Latn-RS", "es-419"):
        assert LanguagesParams(source="en", target=good).reverse() == LanguagesParams(source=good, target="en")
    hint = f"; did you mean {meant}" if meant else " "
    with pytest.raises(ValidationError, match=f"is no tag of a language, such as en, pt-BR or zh-Hant{hint}"):
        LanguagesParams(source="en", target=tag)


@pytest.mark.parametrize(("tag", "unknown"), [("xx", "xx"), ("zh-Hanx", "Hanx"), ("en-XX", "XX")])
def test_a_tag_of_no_language_script_or_region_is_refused(tag, unknown):
    for good in ("cmn", "yue", "sh", "iw", "mo", "qqq", "zh-Hant", "es-419"):
        LanguagesParams(source="en", target=good)
    with pytest.raises(ValidationError, match=f"'{unknown}' in '{tag}' is no language, script or region"):
        LanguagesParams(source="en", target=tag)


@pytest.mark.parametrize(
    ("language", "tags", "found"),
    [
        ("en", ["en-US", "en-GB", "de"], "en-GB"),
        ("en", ["EN_us", "En"], "En"),
        ("de", ["deu"], "deu"),
        ("pt-BR", ["pt", "pt-PT"], "pt"),
        ("zh-Hant", ["zh", "zh-Hans"], None),  # another script
        ("zh", ["cmn"], "cmn"),
        ("en", ["eno", "enx"], None),
    ],
)
def test_files_write_languages_in_many_ways(language, tags, found):
    assert matching(language, tags) == found
