from typing import Any

import numpy as np
import pytest

from seq2seq.cleaning.duplicates import Seen
from seq2seq.cleaning.filters import CleaningParams, mono_filters, normalise_frame, pair_filters
from seq2seq.text.corpus import pairs
from tests.tiny_models import CLEANING


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
    names = [name for name, keeps in pair_filters(params()).items() if not keeps(frame)[0]]
    assert names[:1] == ([filter_name] if filter_name else [])
    assert all(keeps(frame)[1] for keeps in pair_filters(params()).values())


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
    assert pair_filters(params(max_words=100))["length_ratio"](frame).all()
    assert 0.4 < frame["source_words"][0] / frame["target_words"][0] < 1.5


def test_identical_sides_stay_where_they_may():
    frame = normalise_frame(pairs(["It is right."], ["It is right."], "test"))
    assert all(keeps(frame).all() for keeps in pair_filters(params(drop_identical=False)).values())


def test_monolingual_lines_get_the_filters_of_the_target_side():
    frame = normalise_frame(pairs([""] * 3, ["gut", " ", "lang " * 21], "test"))
    assert {name: keeps(frame).tolist() for name, keeps in mono_filters(params()).items()} == {
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
