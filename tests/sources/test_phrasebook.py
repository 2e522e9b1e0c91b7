import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import combinations as pairs_of
from pathlib import Path

import pandas as pd
import pytest
import sacrebleu

from seq2seq.core.errors import UserError
from seq2seq.core.params import load_section
from seq2seq.evaluation.baselines import nearest_targets
from seq2seq.sources.catalogue import load_catalogue
from seq2seq.sources.generated import GeneratedParams
from seq2seq.sources.phrasebook import LANGUAGES, draw_messages, generate, vocabulary
from seq2seq.sources.phrasebook.messages import (
    Clause,
    Clock,
    Day,
    Drink,
    Embedded,
    Filler,
    Item,
    Measure,
    Money,
    Name,
    Number,
    Price,
    Pronoun,
    Role,
    Sentence,
    Term,
    When,
    combinations,
    with_embedded,
)

ROOT = Path(__file__).parents[2]
PARAMS = ROOT / "params.yaml"
SMALL = GeneratedParams(train_pairs=300, held_out_pairs=40, mono_lines=60, seed=1)
HELD_OUT = ("validation", "gate", "test")
MONDAY, SUMMER = date(2024, 3, 4), date(2024, 7, 12)
ME, WE, YOU, HE, SHE = map(Pronoun, vocabulary.PRONOUNS)


def say(language, form, *clauses):
    return LANGUAGES[language].render(Sentence(form, clauses))


@pytest.fixture(scope="module")
def default():
    return generate("en", "de", load_section(PARAMS, "generated", GeneratedParams))


# what is generated


def test_sets_have_their_sizes_and_columns(default):
    params = load_section(PARAMS, "generated", GeneratedParams)
    sizes = dict.fromkeys(HELD_OUT, params.held_out_pairs) | {"train": params.train_pairs, "mono": params.mono_lines}
    assert {name: len(frame) for name, frame in default.items()} == sizes
    for name, frame in default.items():
        assert list(frame.columns) == ["source", "target", "origin"]
        assert set(frame["origin"]) == {"phrasebook"}
        assert (frame["source"] == "").all() == (name == "mono")


def test_no_line_stands_twice_on_its_side_so_every_source_has_one_translation(default):
    everything = pd.concat(default.values())
    assert not everything["target"].str.lower().duplicated().any()
    assert not everything.loc[everything["source"] != "", "source"].str.lower().duplicated().any()


def test_a_held_out_message_has_a_combination_that_training_lacks():
    languages = [LANGUAGES["en"], LANGUAGES["de"]]

    def draw(name, count):
        stream = draw_messages(name, languages, seed=1)
        return [{pair for clause in next(stream).clauses for pair in combinations(clause)} for _ in range(count)]

    training = set().union(*draw("train", 3_000), *draw("mono", 1_000))
    held_out = {name: draw(name, 100) for name in HELD_OUT}
    for messages in held_out.values():
        assert all(message - training for message in messages)
    for one, other in pairs_of(HELD_OUT, 2):
        assert (set().union(*held_out[one]) & set().union(*held_out[other])) <= training


def test_training_teaches_every_word_of_the_test_set(default):
    words = {
        name: set(default[name]["target"].str.lower().str.findall(r"[^\W\d_]+").explode()) for name in ("train", "test")
    }
    assert len(words["test"]) > 300
    assert words["test"] <= words["train"]


def test_the_nearest_training_sentence_is_a_poor_translation(default):
    test = default["test"]
    nearest = nearest_targets(default["train"], test["source"].tolist())
    assert sacrebleu.corpus_bleu(nearest, [test["target"].tolist()]).score < 50


def test_lines_are_clean_sentences_of_bounded_length(default):
    everything = pd.concat(default.values())
    lines = pd.concat([everything.loc[everything["source"] != "", "source"], everything["target"]])
    assert not lines.str.contains(r"[\u00a0\u202f{}*~+|]|  | [,.?]|,,|^ | $", regex=True).any()
    assert lines.str.fullmatch(r"[A-ZÄÖÜ\d].*[.?]").all()
    words = lines.str.split().str.len()
    assert words.max() <= 50
    assert 8 <= words.mean() <= 25


@pytest.mark.parametrize(("source", "target"), [("en", "zh"), ("zh", "de")])
def test_every_pair_of_languages_works(source, target):
    made = generate(source, target, SMALL)
    assert len(made["train"]) == SMALL.train_pairs
    chinese = pd.concat(made.values())["source" if source == "zh" else "target"]
    chinese = chinese[chinese != ""]
    assert not chinese.str.contains(r"[{}*~+|]|[a-z]{4}").any()
    assert chinese.str.fullmatch(r".*[。？]").all()


def test_the_opposite_direction_has_the_same_pairs():
    forth, back = generate("en", "de", SMALL), generate("de", "en", SMALL)
    for name in ("train", *HELD_OUT):
        assert forth[name]["source"].tolist() == back[name]["target"].tolist()
        assert forth[name]["target"].tolist() == back[name]["source"].tolist()


def test_another_process_makes_the_same_lines_and_another_seed_makes_others():
    program = (
        "import sys; from seq2seq.sources.generated import *; from seq2seq.sources.phrasebook import *\n"
        f"made = generate('en', 'de', GeneratedParams.model_validate({SMALL.model_dump()}))\n"
        "sys.stdout.buffer.write(''.join(frame.to_csv() for frame in made.values()).encode())"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 10_000
    other = generate("en", "de", SMALL.model_copy(update={"seed": 2}))
    assert outputs[0].decode() != "".join(frame.to_csv() for frame in other.values())


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [("en", "fr", "knows de, en, zh, not 'fr'"), ("xx", "de", "not 'xx'"), ("de", "de", "both 'de'")],
)
def test_a_wrong_language_is_a_users_error(source, target, message):
    with pytest.raises(UserError, match=message):
        generate(source, target, SMALL)


# the languages


def test_the_catalogue_names_its_languages():
    assert set(load_catalogue(ROOT / "data" / "catalogue.yaml")["phrasebook"].languages) == set(LANGUAGES)


def test_english_and_german_know_every_frame_and_chinese_many():
    for code in ("en", "de"):
        assert LANGUAGES[code].frames == set(vocabulary.FRAMES)
    assert LANGUAGES["zh"].frames < set(vocabulary.FRAMES)
    assert len(LANGUAGES["zh"].frames) >= 40


def test_every_frame_and_form_is_common_in_training():
    stream = draw_messages("train", [LANGUAGES["en"], LANGUAGES["de"]], seed=1)
    seen: Counter[str] = Counter()
    for _ in range(4_000):
        message = next(stream)
        seen[message.form] += 1
        seen.update({inner.frame for clause in message.clauses for inner in with_embedded(clause)})
    assert set(seen) == {*vocabulary.FRAMES, *vocabulary.FORMS}
    assert min(seen.values()) >= 8


ALL_FILLERS: dict[str, tuple[str, Sequence[Filler]]] = {
    "buy": ("item", [Item(noun, "the") for noun in vocabulary.ITEMS]),
    "look_for": ("item", [Item("map", "a", adjective) for adjective in vocabulary.ADJECTIVES]),
    "call": ("other", [Name(name) for name in vocabulary.NAMES] + [Role(noun, "my") for noun in vocabulary.ROLES]),
    "invite": ("event", [Term("event", name) for name in vocabulary.EVENTS]),
    "go": ("place", [Term("place", name) for name in vocabulary.PLACES]),
    "fly": ("country", [Term("country", code) for code in vocabulary.COUNTRIES]),
    "live": ("city", [Term("city", zone) for zone in vocabulary.CITIES]),
    "learn": ("language", [Term("language", code) for code in vocabulary.LANGUAGES]),
    "work_as": ("profession", [Term("profession", name) for name in vocabulary.PROFESSIONS]),
    "be_interested": ("topic", [Term("topic", name) for name in vocabulary.TOPICS]),
    "exchange": ("wanted", [Money(currency, 0) for currency in vocabulary.CURRENCIES]),
    "live_on_floor": ("floor", [Number("ordinal", number) for number in range(2, 13)]),
    "drink": ("drink", [Drink(box, drink, 2) for box, drinks in vocabulary.DRINKS.items() for drink in drinks]),
}
REST: dict[str, dict[str, Filler]] = {"invite": {"other": Name("Ben")}, "exchange": {"money": Money("CAD", 100)}}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("frame", sorted(ALL_FILLERS))
def test_different_words_stay_different_in_every_language(language, frame):
    slot, fillers = ALL_FILLERS[frame]
    lines = {
        say(language, "statement", Clause(frame, {slot: filler, **REST.get(frame, {}), "subject": SHE}, "present"))
        for filler in fillers
    }
    assert len(lines) == len(fillers)


HELP_MONDAY = Clause(
    "help", {"other": Role("neighbor", "my"), "subject": SHE}, "past", when=When(Day("weekday", MONDAY), None)
)
FLY = Clause("fly", {"country": Term("country", "CH"), "subject": Name("Anna")}, "past")
CALL = Clause(
    "call", {"other": ME, "subject": HE}, "future", when=When(Day("tomorrow", MONDAY), Clock(3, 30, spoken=True))
)
GIVE = Clause(
    "give",
    {"item": Item("umbrella", "a", "red"), "other": Role("teacher", "the"), "subject": WE},
    "future",
    modal="have_to",
)
NO_CAR = Clause("buy", {"item": Item("car", "a", "new"), "subject": Name("Ben")}, "past", negated=True)
PAY = Clause(
    "pay",
    {"item": Item("clock", "our", "expensive"), "price": Price("EUR", 123450), "subject": ME},
    "past",
    when=When(Day("full_date", SUMMER), None),
)
DRIVE = Clause(
    "drive",
    {
        "city": Term("city", "Europe/Vienna"),
        "speed": Measure("speed-kilometer-per-hour", 80),
        "subject": Role(
            "student",
            "the",
            Clause("live", {"city": Term("city", "Europe/Rome"), "subject": Pronoun("who")}, "present"),
        ),
    },
    "present",
    when=When(Day("every", MONDAY), None),
)
LIKE = Clause("like", {"item": Item("picture", "the", "blue"), "subject": Role("doctor", "our")}, "present")
NURSE = Clause("work_as", {"profession": Term("profession", "nurse"), "subject": Name("Julia")}, "present")
LIVED = Clause(
    "live",
    {"city": Term("city", "Europe/Prague"), "subject": YOU},
    "present",
    when=When(Day("since_span", MONDAY, Measure("duration-year", 3)), None),
)
DECIDE = Clause(
    "decide",
    {
        "action": Embedded(
            "to", Clause("cancel", {"event": Term("event", "wedding"), "subject": SHE}, "present", negated=True)
        ),
        "subject": SHE,
    },
    "past",
)
KNOW = Clause(
    "know",
    {"content": Embedded("when", Clause("begin", {"event": Term("event", "lecture")}, "future")), "subject": YOU},
    "present",
)
TEA = Clause("drink", {"drink": Drink("cup", "tea", 2), "subject": SHE}, "past", place="station")
READ = Clause("read_chapter", {"chapter": Number("ordinal", 3), "subject": ME}, "past")
MEET = Clause(
    "meet",
    {"other": Role("brother", "my"), "subject": HE},
    "past",
    when=When(Day("weekday_date", SUMMER), Clock(15, 5, spoken=False)),
)


@pytest.mark.parametrize(
    ("form", "clauses", "texts"),
    [
        (
            "because",  # verb last, dative, weak noun
            [FLY, HELP_MONDAY],
            {
                "en": "Anna flew to Switzerland because she helped my neighbor on Monday.",
                "de": "Anna ist in die Schweiz geflogen, weil sie meinem Nachbarn am Montag geholfen hat.",
                "zh": "安娜坐飞机去了瑞士，因为她星期一帮助了我的邻居。",
            },
        ),
        (
            "fronted",  # verb second behind the time; half of the coming hour
            [CALL],
            {
                "en": "At half past three tomorrow, he will call me.",
                "de": "Morgen um halb vier wird er mich anrufen.",
                "zh": "明天三点半，他会给我打电话。",
            },
        ),
        (
            "if",  # a separated prefix comes back
            [GIVE, Clause(**{**CALL.__dict__, "tense": "present"})],
            {
                "en": "If he calls me at half past three tomorrow, we have to give a red umbrella to the teacher.",
                "de": "Wenn er mich morgen um halb vier anruft, müssen wir der Lehrerin einen roten Regenschirm geben.",
                "zh": "如果他明天三点半给我打电话，我们必须把一把红色的雨伞送给那位老师。",
            },
        ),
        (
            "statement",
            [NO_CAR],
            {
                "en": "Ben did not buy a new car.",
                "de": "Ben hat kein neues Auto gekauft.",
                "zh": "本没买新汽车。",
            },
        ),
        (
            "statement",  # figures, adjective with a changing stem
            [PAY],
            {
                "en": "I paid €1,234.50 for our expensive clock on July 12, 2024.",
                "de": "Ich habe am 12. Juli 2024 1.234,50 € für unsere teure Uhr bezahlt.",
                "zh": "我2024年7月12日为我们的昂贵的钟付了€1,234.50。",
            },
        ),
        (
            "question",  # relative clause, unit in the dative plural
            [DRIVE],
            {
                "en": "Does the student who lives in Rome drive to Vienna at 80 kilometers per hour every Monday?",
                "de": "Fährt der Student, der in Rom wohnt, jeden Montag mit 80 Kilometern pro Stunde nach Wien?",
            },
        ),
        (
            "statement",  # object and subject change places
            [LIKE],
            {
                "en": "Our doctor likes the blue picture.",
                "de": "Das blaue Bild gefällt unserem Arzt.",
                "zh": "我们的医生喜欢那幅蓝色的画。",
            },
        ),
        (
            "statement",
            [NURSE],
            {"en": "Julia works as a nurse.", "de": "Julia arbeitet als Krankenpflegerin.", "zh": "茱莉亚当护士。"},
        ),
        (
            "statement",  # perfect, present, and a word for continuing
            [LIVED],
            {
                "en": "You have lived in Prague for 3 years.",
                "de": "Sie wohnen seit 3 Jahren in Prag.",
                "zh": "您3年来一直住在布拉格。",
            },
        ),
        (
            "statement",
            [DECIDE],
            {
                "en": "She decided not to cancel the wedding.",
                "de": "Sie hat beschlossen, die Hochzeit nicht abzusagen.",
                "zh": "她决定不取消婚礼。",
            },
        ),
        (
            "question",
            [KNOW],
            {
                "en": "Do you know when the lecture will begin?",
                "de": "Wissen Sie, wann der Vortrag beginnen wird?",
                "zh": "您知道讲座什么时候将开始吗？",
            },
        ),
        (
            "statement",
            [TEA],
            {
                "en": "She drank two cups of tea at the station.",
                "de": "Sie hat am Bahnhof zwei Tassen Tee getrunken.",
                "zh": "她在火车站喝了两杯茶。",
            },
        ),
        (
            "why",
            [READ],
            {
                "en": "Why did I read the third chapter?",
                "de": "Warum habe ich das dritte Kapitel gelesen?",
                "zh": "我为什么读了第三章？",
            },
        ),
        (
            "request",
            [Clause("call", {"other": Name("Emma"), "subject": YOU}, "present", negated=True)],
            {
                "en": "Please do not call Emma.",
                "de": "Bitte rufen Sie Emma nicht an.",
                "zh": "请不要给艾玛打电话。",
            },
        ),
        (
            "where",  # the pronoun stands inside the verb in English, and before a noun subject in German
            [Clause("pick_up", {"other": SHE, "subject": Name("Ben")}, "past")],
            {
                "en": "Where did Ben pick her up?",
                "de": "Wo hat sie Ben abgeholt?",
                "zh": "本在哪里接的她？",
            },
        ),
        (
            "statement",
            [MEET],
            {
                "en": "He met my brother at 3:05 PM on Friday, July 12.",
                "de": "Er hat meinen Bruder am Freitag, dem 12. Juli um 15:05 Uhr getroffen.",
                "zh": "他7月12日星期五15:05见到了我的哥哥。",
            },
        ),
    ],
)
def test_messages_are_said_with_the_order_and_agreement_of_each_language(form, clauses, texts):
    assert {language: say(language, form, *clauses) for language in texts} == texts
