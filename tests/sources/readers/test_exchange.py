import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import TWO, read

TMX = '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4"><header/><body>{}</body></tmx>'
OLD = (
    '<?xml version="1.0"?>\n<!-- <tmx --><xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">{}</xliff>'
)
NEW = '<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="en" trgLang="de">{}</xliff>'


def unit(*variants):
    return "<tu>" + "".join(f'<tuv xml:lang="{tag}"><seg>{text}</seg></tuv>' for tag, text in variants) + "</tu>"


def see(tmp_path, text, encoding="utf-8", languages=("en", "de")):
    (tmp_path / "data.xml").write_bytes(text.encode(encoding))
    return read(tmp_path, Wanted(*languages))


def test_a_translation_memory_is_read(tmp_path):
    text = TMX.format("".join(unit(("de-DE", target), ("fr", "x"), ("EN_us", source)) for source, target in TWO))
    found = see(tmp_path, text)
    assert (found.kinds, found.pairs) == (["TMX"], TWO)
    assert see(tmp_path, "\ufeff" + text.replace('"1.0"', '"1.0" encoding="UTF-16"'), "utf-16-le").pairs == TWO
    declared = text.replace('"1.0"', '"1.0" encoding="windows-1252"').replace("Haus", "Häuschen")
    assert see(tmp_path, declared, "windows-1252").pairs[0] == ("A house", "Ein Häuschen")


def test_a_variety_is_chosen_the_same_way_whatever_the_order(tmp_path):
    variants = [("en-US", "color"), ("en-GB", "colour"), ("de", "Farbe")]
    for order in (variants, variants[::-1]):
        assert see(tmp_path, TMX.format(unit(*order))).pairs == [("colour", "Farbe")]
        assert see(tmp_path, TMX.format(unit(*order)), languages=("en-US", "de")).pairs == [("color", "Farbe")]
        assert see(tmp_path, TMX.format(unit(("en", "hue"), *order))).pairs == [("hue", "Farbe")]


@pytest.mark.parametrize(
    ("segment", "text"),
    [  # TMX 1.4b, 'Content Markup'
        ('a <bpt i="1">&lt;b&gt;</bpt>bold<ept i="1">&lt;/b&gt;</ept> b', "a bold b"),
        ('x<it pos="begin">[i]</it>y<ph>{}</ph>z<ut>u</ut>', "xyz"),
        ("see <hi>this <hi>and</hi> that</hi>.", "see this and that."),
        ("a<ph>b<sub>note</sub>c</ph>d", "anoted"),
        ("&amp; &lt; &#228; <![CDATA[<raw>]]>", "& < ä <raw>"),
        ("a<!-- no -->b<?no no?>c", "abc"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_codes_go_and_text_stays(tmp_path, segment, text):
    assert see(tmp_path, TMX.format(unit(("en", segment), ("de", "x")))).pairs == [(text, "x")]


def test_units_without_both_languages_are_counted(tmp_path):
    text = TMX.format(unit(("en", "a"), ("de", "b")) + unit(("en", "only")) + "<tu><note/></tu>")
    found = see(tmp_path, text)
    assert found.pairs == [("a", "b")]
    assert found.none == [("unit 2", "not in both languages"), ("unit 3", "not in both languages")]


def test_a_memory_that_lacks_a_language_tells_which_it_has(tmp_path):
    with pytest.raises(UserError, match=r"data\.xml has no text in 'de'; it has en, fr-CA: change languages"):
        see(tmp_path, TMX.format(unit(("en", "a"), ("fr-CA", "b")) + unit(("en", "a"))))


@pytest.mark.parametrize("padding", ["", "<!--" + "x" * 100_000 + "-->", "<!-- <tmx " + "x" * 100_000 + "-->"])
@pytest.mark.parametrize("form", [TMX, OLD])
def test_entities_are_refused(tmp_path, form, padding):
    (tmp_path / "secret").write_text("secret")
    declared = f'{padding}<!DOCTYPE x [<!ENTITY e SYSTEM "{tmp_path / "secret"}"><!ENTITY a "aaaa">]>'
    text = form.replace('<!DOCTYPE tmx SYSTEM "tmx14.dtd">', "").replace("?>\n", f"?>{declared}", 1)
    with pytest.raises(UserError, match=r"declares entities, which may hide anything|no reader takes it") as error:
        see(tmp_path, text.format(unit(("en", "&e; &a;"), ("de", "x"))))
    assert "aaaa" not in str(error.value)


def test_nothing_outside_is_loaded(tmp_path):
    text = TMX.replace("tmx14.dtd", "http://192.0.2.1/tmx14.dtd")
    assert see(tmp_path, text.format(unit(("en", "a"), ("de", "b")))).pairs == [("a", "b")]


@pytest.mark.parametrize(
    "broken", ["<tmx><body>" + unit(("en", "a"), ("de", "b")), TMX.format("<tu></tuv>"), "<tmx \x01"]
)
def test_what_is_not_well_formed_is_said_to_be_so(tmp_path, broken):
    with pytest.raises(UserError, match=r"data\.xml is not well-formed XML \(.*line"):
        see(tmp_path, broken)


FILE = '<file source-language="{}" target-language="{}" original="o"><body><group>{}</group></body></file>'
UNITS = (
    '<trans-unit id="1"><source>A <g id="1">house</g><x id="2"/></source><target>Ein <g id="1">Haus</g></target>'
    "<alt-trans><source>no</source><target>no</target></alt-trans></trans-unit>"
    '<trans-unit id="2"><source>A dog</source><target>Ein <ph id="1">%s</ph><mrk>Hund</mrk></target></trans-unit>'
    '<trans-unit id="3"><source>new</source></trans-unit>'
)


def test_xliff_1_is_read_in_either_direction(tmp_path):
    found = see(tmp_path, OLD.format(FILE.format("en-US", "de", UNITS)))
    assert (found.kinds, found.pairs) == (["XLIFF"], TWO)
    assert found.none == [("unit 3", "not translated")]
    turned = OLD.format(FILE.format("de", "en", UNITS))
    assert see(tmp_path, turned).pairs == [(target, source) for source, target in TWO]


def test_xliff_2_is_read(tmp_path):
    segments = (
        "<segment><source>A <pc id='1'>house</pc></source><target>Ein <pc id='1'>Haus</pc></target></segment>"
        "<ignorable><source> </source></ignorable>"
        "<segment><source>A dog<ph id='2'/><cp hex='0007'/></source><target>Ein Hund</target></segment>"
    )
    text = NEW.format(f"<file id='f'><unit id='u'><notes><note>no</note></notes>{segments}</unit></file>")
    assert see(tmp_path, text).pairs == [TWO[0], ("A dog\x07", "Ein Hund")]


def test_xliff_of_other_languages_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"data\.xml is between en and fr, not en and de"):
        see(tmp_path, OLD.format(FILE.format("en", "fr", UNITS)))
