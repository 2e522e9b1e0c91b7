import polib
import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import TWO, read

PO = """# Our program.
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n{language}"

msgid "A house"
msgstr "Ein Haus"

msgid "one\\u2028line"
msgstr ""

#, fuzzy
msgid "A guess"
msgstr "Geraten"

msgid "A dog"
msgid_plural "%d dogs"
msgstr[0] "Ein Hund"
msgstr[1] "%d Hunde"

#~ msgid "gone"
#~ msgstr "weg"
"""
ALL = [*TWO, ("%d dogs", "%d Hunde")]


def write(path, kind, language):
    text = PO.format(language=language)
    path.write_text(text)
    if kind == "mo":
        polib.pofile(text).save_as_mofile(str(path))


@pytest.mark.parametrize("language", ["", "Language: de\\n", "Language: de_AT\\n"])
@pytest.mark.parametrize("kind", ["po", "mo"])
def test_a_catalogue_is_read(tmp_path, kind, language):
    write(tmp_path / "a", kind, language)
    found = read(tmp_path)
    assert (found.kinds, sorted(found.pairs), found.bad) == ([f"gettext .{kind}"], sorted(ALL), [])
    reasons = ["untranslated", "fuzzy", "obsolete"] if kind == "po" else []  # a compiled one has no others
    assert [reason for _, reason in found.none] == reasons


def test_sides_change_places_where_it_translates_into_our_source(tmp_path):
    write(tmp_path / "a", "po", "Language: de\\n")
    assert read(tmp_path, Wanted("de", "en")).pairs == [(target, source) for source, target in ALL]
    with pytest.raises(UserError, match=r"a is in de, neither in fr nor in en: change languages"):
        read(tmp_path, Wanted("fr", "en"))


@pytest.mark.parametrize("kind", ["po", "mo"])
def test_a_broken_catalogue_is_said_to_be_so(tmp_path, kind):
    write(tmp_path / "a", kind, "")
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data + b"what is this\n" if kind == "po" else data[:60])
    with pytest.raises(UserError, match=rf"a can't be read as gettext's \.{kind} \("):
        read(tmp_path)
