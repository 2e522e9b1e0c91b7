from typing import Any

import numpy as np
import pytest

from seq2seq.cleaning.duplicates import Seen
from seq2seq.cleaning.explain import explain
from seq2seq.cleaning.filters import mono_filters, normalise_frame, pair_filters, repair_frame
from seq2seq.cleaning.params import CleaningParams
from seq2seq.core.errors import UserError
from seq2seq.text.corpus import pairs
from tests.tiny_models import CLEANING, LANGUAGES


def params(**changes: Any) -> CleaningParams:
    return CLEANING.model_copy(update=changes)


@pytest.mark.parametrize(
    ("source", "target", "filter_name"),
    [
        ("A cat.", "Eine Katze.", None),
        (" \u200b ", "Eine Katze.", "empty"),
        ("A cat.", "\u00a0", "empty"),
        ("a " * 20, "ein " * 20, None),
        ("a " * 21, "ein " * 20, "too_long"),
        ("a " * 20, "ein " * 21, "too_long"),
        ("Download", "Jetzt bitte hier herunterladen", None),
        ("Download", "Jetzt bitte gleich einmal hier herunterladen", "length_ratio"),
        ("One two three four five six seven eight nine", "Zwei", "length_ratio"),
        ("We are at the station today.", "我们今天在车站。", None),  # 1 "word" by spaces
        ("Yes.", "我们今天在北京大学的大图书馆里学习汉语和英语。", "length_ratio"),
        ("Berlin", "Berlin", "identical"),
        ("Berlin ", "Berlin", "identical"),  # after normalising
        ("Berlin", "berlin", None),
    ],
)
def test_each_filter_drops_what_it_should_and_nothing_else(source, target, filter_name):
    frame = normalise_frame(pairs([source, "kept"], [target, "behalten"], "test"))
    names = [name for name, keeps in pair_filters(params(), LANGUAGES).items() if not keeps(frame)[0]]
    assert names[:1] == ([filter_name] if filter_name else [])
    assert all(keeps(frame)[1] for keeps in pair_filters(params(), LANGUAGES).values())


ARTICLE_1 = (  # of the Universal Declaration of Human Rights
    "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience "
    "and should act towards one another in a spirit of brotherhood."
)
ARTICLE_1_UNSPACED = {
    "Thai": (
        "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ"
    ),
    "Lao": (
        "ມະນຸດທຸກຄົນເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນໃນທາງກຽດຕິສັກ ແລະ ທາງສິດດ້ວຍມະນຸດມີສະຕິສຳປັ"
        "ດຊັນຍະ(ຮູ້ດີຮູ້ຊົ່ວ)ແລະມີມະໂນທຳຈຶ່ງຕ້ອງປະພຶດຕົນຕໍ່ກັນໃນທາງພີ່ນ້ອງ"
    ),
    "Khmer": (
        "មនុស្សទាំងអស់កើតមកមានសេរីភាព និងភាពស្មើៗគ្នាក្នុងសិទ្ធិ និងសេចក្ដីថ្លៃថ្នូរ។ មនុស្សគ្រប់"
        "រូបសុទ្ធតែមានវិចារណញ្ញាណ និងសតិសម្បជញ្ញៈ ហើយត្រូវប្រព្រឹត្ដចំពោះគ្នាទៅវិញទៅមកក្នុងស្មារត"
        "ីរាប់អានគ្នាជាបងប្អូន។"
    ),
    "Burmese": (
        "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း၊ တူညီလွတ်လပ်သော အခွင့်အရေးများဖြင"
        "့် လည်းကောင်း၊ မွေးဖွားလာသူများ ဖြစ်သည်။ ထိုသူတို့၌ ပိုင်းခြား ဝေဖန်တတ်သော ဉာဏ်နှင့် ကျင"
        "့်ဝတ် သိတတ်သော စိတ်တို့ရှိကြ၍ ထိုသူတို့သည် အချင်းချင်း မေတ္တာထား၍ ဆက်ဆံကျင့်သုံးသင့်၏။"
    ),
    "Tibetan": (
        "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང༌། ཐོབ་ཐངགི་རང་དབང་འདྲ་མཉམ་དུ་ཡ"
        "ོད་ལ། ཁོང་ཚོར་རང་བྱུང་གི་བློ་རྩལ་དང་བསམ་ཚུལ་བཟང་པོ་འདོན་པའི་འོས་བབས་ཀྱང་ཡོད། དེ་བཞིན་ཕན་"
        "ཚུན་གཅིག་གིས་གཅིག་ལ་བུ་སྤུན་གྱི་འདུ་ཤེས་འཛིན་པའི་བྱ་སྤྱོད་ཀྱང་ལག་ལེན་བསྟར་དགོས་པ་ཡིན༎"
    ),
    "Chinese": ("人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。"),
    "Japanese": (
        "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。"
    ),
}


@pytest.mark.parametrize("language", ARTICLE_1_UNSPACED)
def test_a_translation_into_a_script_without_spaces_has_no_wrong_ratio(language):
    frame = normalise_frame(pairs([ARTICLE_1], [ARTICLE_1_UNSPACED[language]], "test"))
    assert pair_filters(params(max_words=100), LANGUAGES)["length_ratio"](frame).all()
    assert 0.4 < frame["source_words"][0] / frame["target_words"][0] < 1.5


def test_identical_sides_stay_where_they_may():
    frame = normalise_frame(pairs(["It is right."], ["It is right."], "test"))
    assert all(keeps(frame).all() for keeps in pair_filters(params(drop_identical=False), LANGUAGES).values())


def test_monolingual_lines_get_the_filters_of_the_target_side():
    frame = normalise_frame(pairs([""] * 3, ["gut", " ", "lang " * 21], "test"))
    assert {name: keeps(frame).tolist() for name, keeps in mono_filters(params(), LANGUAGES).items()} == {
        "empty": [True, False, True],
        "too_long": [True, True, False],
    }


def test_seen_agrees_with_a_set():
    rng = np.random.default_rng(1)
    seen = Seen()
    expected = set()
    for size in (0, 5, 40, 40, 1, 100):
        hashes = rng.integers(150, size=size).astype(np.uint64)
        assert seen.contains(hashes).tolist() == [value in expected for value in hashes.tolist()]
        first = [value not in expected and value not in hashes[:i].tolist() for i, value in enumerate(hashes.tolist())]
        assert seen.add(hashes).tolist() == first
        expected |= set(hashes.tolist())


@pytest.mark.parametrize(
    ("name", "changes", "good", "bad"),
    [
        ("broken", {"drop_broken": True}, ("Fine.", "Schön – „gut“."), ("Fine.", "SchÃ¶n")),
        ("broken", {"drop_broken": True}, ("漢字だ", "가나다"), ("lost \ufffd", "verloren")),
        (
            "long_word",
            {"max_word_characters": 12},
            ("See https://example.org/a/long/path", "我们今天在北京大学的大图书馆里学习"),
            ("xxxxxxxxxxxxxxxxxxxx", "gut"),
        ),
        ("repetition", {"max_repeats": 3}, ("no no no", "1.000.000"), ("so it is so it is so it is so it is", "ja")),
        ("repetition", {"max_repeats": 3}, ("ha", "哈哈哈"), ("ha", "哈哈哈哈")),
        ("markup", {"drop_markup": True}, ("1 < 2 and 3 > 2", "AT&T"), ("<b>bold</b>", "fett")),
        (
            "script",
            {"min_script_percent": 30},
            ("Ensure this is %(limit_value)s or more.", "确保该值为 %(limit_value)s"),
            ("Ensure this is true and right.", "Это совсем другой язык"),
        ),
        ("copied", {"max_copied_percent": 60}, ("Open Berlin", "Berlin"), ("a b c d e f", "a b c d e g")),
        ("numbers", {"match_numbers": True}, ("in 2020", "٢٠٢٠"), ("in 2020", "2021")),
        ("links", {"match_links": True}, ("see www.a.org.", "siehe www.a.org"), ("a@b.org", "c@b.org")),
        ("placeholders", {"match_placeholders": True}, ("%s of {n}", "{n}: %s"), ("%s", "%d")),
    ],
)
def test_an_optional_filter_drops_the_bad_pair_alone(name, changes, good, bad):
    languages = LANGUAGES.model_copy(update={"target": "zh"})
    keeps = pair_filters(params(**changes), languages)[name]
    frame = normalise_frame(pairs([good[0], bad[0]], [good[1], bad[1]], "test"))
    assert keeps(frame).tolist() == [True, False]
    assert name not in pair_filters(params(), languages)


def test_language_identification_leaves_short_lines_alone():
    keeps = pair_filters(params(identify_from=4), LANGUAGES)["language"]
    sources = ["Hi.", "Django administration", "I would like a cup of coffee", "Je voudrais bien une tasse de café"]
    targets = ["Salut.", "Django", "Ich hätte gern eine Tasse Kaffee", "Ich hätte gern eine Tasse Kaffee"]
    assert keeps(normalise_frame(pairs(sources, targets, "test"))).tolist() == [True, True, True, False]


def test_repair_mends_what_is_broken_and_nothing_else():
    frame = repair_frame(pairs(["schÃ¶n &amp; gut", "a “quoted” ½"], ["AT&T", "ﬁn"], "test"))
    assert frame["source"].tolist() == ["schön & gut", "a “quoted” ½"]
    assert frame["target"].tolist() == ["AT&T", "ﬁn"]


def test_a_corpus_has_its_own_thresholds():
    own = CleaningParams.model_validate(params().model_dump() | {"corpora": {"web": {"max_words": 3}}})
    assert (own.of("web").max_words, own.of("news").max_words) == (3, 20)
    for changes, message in [({"max_word": 3}, "max_word"), ({"workers": 3}, "workers holds for all corpora")]:
        with pytest.raises((ValueError, UserError), match=message):
            CleaningParams.model_validate(params().model_dump() | {"corpora": {"web": changes}})


def test_explain_gives_each_filter_a_line():
    rows = explain("Berlin\tBerlin", params(match_links=True), LANGUAGES)
    assert {"identical: DROPS it", "links: keeps it", "source: Berlin"} <= set(rows)
    assert "match_numbers" in rows[-1] and "match_links" not in rows[-1]
    with pytest.raises(UserError, match="not 1"):
        explain("no tab", params(), LANGUAGES)
