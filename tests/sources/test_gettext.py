import hashlib
import re
import threading
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polib
import pytest

from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.progress import Progress
from seq2seq.sources.catalogue import Wheel
from seq2seq.sources.gettext import locale_names, read_pairs
from seq2seq.sources.wheels import fetch_wheel

DE = "app/locale/de/LC_MESSAGES/app"
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'


def make_wheel(folder: Path, members: Mapping[str, str | bytes], name: str = "app-1.0-py3-none-any.whl") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def po(*entries: tuple[str, str]) -> str:
    return HEADER + "".join(f'\nmsgid "{english}"\nmsgstr "{translation}"\n' for english, translation in entries)


def mo(*entries: tuple[str, str]) -> bytes:
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    for english, translation in entries:
        catalogue.append(polib.POEntry(msgid=english, msgstr=translation))
    return bytes(catalogue.to_binary())


def read(
    tmp_path: Path, members: Mapping[str, str | bytes], source: str = "en", target: str = "de", mark: str | None = None
) -> tuple[list[tuple[str, str]], dict[str, int]]:
    return read_pairs(make_wheel(tmp_path, members), "app 1.0", source, target, mark)


def test_only_finished_translations_are_taken_and_the_others_are_counted(tmp_path):
    text = po(("Close", "Schließen"), ("Open", ""), ("Blank", " "), ("one\\ntwo\u2028three", "eins\\nzwei\u2028drei"))
    text += '\n#, fuzzy\nmsgid "Save"\nmsgstr "Saft"\n\n#~ msgid "Gone"\n#~ msgstr "Fort"\n'
    pairs, counts = read(tmp_path, {f"{DE}.po": text})
    assert pairs == [("Close", "Schließen"), ("one\ntwo\u2028three", "eins\nzwei\u2028drei")]
    assert {name: number for name, number in counts.items() if number} == {
        "messages": 6,
        "obsolete": 1,
        "fuzzy": 1,
        "untranslated": 2,
        "pairs": 2,
    }


def test_a_plural_gives_its_first_and_its_last_form(tmp_path):
    text = HEADER + (
        '\nmsgid "%(n)d file of {user}"\nmsgid_plural "%(n)d files of {user}"\n'
        'msgstr[0] "%(n)d plik {user}"\nmsgstr[1] "%(n)d pliki {user}"\nmsgstr[2] "%(n)d plików {user}"\n'
    )
    pairs, counts = read(tmp_path, {"app/locale/pl/LC_MESSAGES/app.po": text}, target="pl")
    assert pairs == [
        ("%(n)d file of {user}", "%(n)d plik {user}"),
        ("%(n)d files of {user}", "%(n)d plików {user}"),
    ]
    assert (counts["messages"], counts["pairs"]) == (1, 2)


@pytest.mark.parametrize(
    ("english", "german", "kept"),
    [
        ("Hello %s", "Hallo %s", True),
        ("Hello %s", "Hallo", False),
        ("{a} of {b}", "{b}: {a}", True),
        ("{a} of {b}", "{a} von {a}", False),
        ("${count} items", "${count} Dinge", True),
        ("%(count)s items", "%(count)d Dinge", False),
        ("Click <b>here</b>", "<b>Hier</b> klicken", True),
        ("Click <b>here</b>", "<b>Hier klicken", False),
        ("100% sure", "100 % sicher", True),
        ("Less <than>", "Weniger <als>", True),
    ],
)
def test_both_sides_must_have_the_same_placeholders(tmp_path, english, german, kept):
    pairs, counts = read(tmp_path, {f"{DE}.po": po((english, german))})
    assert bool(pairs) == kept
    assert counts["unlike_placeholders"] == (not kept)


@pytest.mark.parametrize(
    ("mark", "english", "translation", "expected"),
    [
        ("_", "_File", "_Datei", ("File", "Datei")),
        ("_", "Save %(a_b)s _as", "%(a_b)s speichern _unter", ("Save %(a_b)s as", "%(a_b)s speichern unter")),
        ("_", "Close", "S_chließen", ("Close", "Schließen")),
        ("_", "_Open", "打开(_O)", ("Open", "打开")),
        ("_", "set GRAMPS_HOME or LANG_C", "GRAMPS_HOME oder LANG_C setzen", None),
        ("&", "&Edit", "&Bearbeiten", ("Edit", "Bearbeiten")),
        ("&", "Terms &amp; more", "Bedingungen &amp; mehr", None),
        ("&", "Terms & more", "Bedingungen & mehr", None),
        (None, "_File", "_Datei", None),
    ],
)  # fmt: skip
def test_marks_of_keyboard_shortcuts_are_removed(tmp_path, mark, english, translation, expected):
    pairs, counts = read(tmp_path, {f"{DE}.po": po((english, translation))}, mark=mark)
    assert pairs == [expected or (english, translation)]
    assert counts["accelerators_removed"] == (expected is not None)


def test_symbolic_ids_get_their_english_from_a_catalogue_or_a_comment(tmp_path):
    german = po(("label_close", "Schließen"), ("label_unknown", "Unbekannt"), ("Open", "Öffnen"))
    german += '\n#. Default: "Say \\"hi\\" to ${name}"\nmsgid "label_hi"\nmsgstr "Sagen Sie ${name} „hallo“"\n'
    english = po(("label_close", "Close"), ("Open", ""))
    pairs, counts = read(tmp_path, {f"{DE}.po": german, f"{DE}.po".replace("/de/", "/en/"): english})
    assert sorted(pairs) == [
        ("Close", "Schließen"),
        ("Open", "Öffnen"),
        ('Say "hi" to ${name}', "Sagen Sie ${name} „hallo“"),
    ]
    assert counts["unmatched"] == 1


def test_a_catalogue_that_rewords_a_plain_message_id_has_the_last_word(tmp_path):
    german = po(("Open", "Öffnen"), ("Close", "Schließen"), ("Save", "Speichern"))
    english = po(("Open", "Open the file"), ("Close", ""))
    pairs, counts = read(tmp_path, {f"{DE}.po": german, f"{DE}.po".replace("/de/", "/en/"): english})
    assert sorted(pairs) == [("Close", "Schließen"), ("Open the file", "Öffnen"), ("Save", "Speichern")]
    assert counts["unmatched"] == 0


def test_two_other_languages_meet_in_the_message_and_its_context(tmp_path):
    def tryton(*translations: str) -> str:
        return HEADER + "".join(
            f'\nmsgctxt "field:{number}"\nmsgid "Draft"\nmsgstr "{text}"\n' for number, text in enumerate(translations)
        )

    members = {"m/locale/de.po": tryton("Entwurf", "Skizze", "Zug"), "m/locale/fr.po": tryton("Brouillon", "Croquis")}
    pairs, counts = read(tmp_path, members, source="fr", target="de")
    assert pairs == [("Brouillon", "Entwurf"), ("Croquis", "Skizze")]
    assert counts["unmatched"] == 1
    assert read(tmp_path, members, source="de", target="en")[0][:2] == [("Entwurf", "Draft"), ("Skizze", "Draft")]


def test_compiled_catalogues_are_read_where_no_source_is(tmp_path):
    other = "b/locale/de/LC_MESSAGES/b"
    pairs, _ = read(
        tmp_path,
        {
            f"{DE}.mo": mo(("Close", "Schließen")),
            f"{other}.mo": mo(("Stale", "Alt")),
            f"{other}.po": po(("Fresh", "Neu")),
        },
    )
    assert sorted(pairs) == [("Close", "Schließen"), ("Fresh", "Neu")]


def test_a_language_is_found_under_its_own_names_only(tmp_path):
    members = {
        f"app/locale/{name}/LC_MESSAGES/app.po": po((f"Written in {name}", name))
        for name in ["zh_CN", "zh-Hans", "zh_TW", "zh_Hant", "de_Informal", "de_DE", "de"]
    }
    members["app/tests/data/de.po"] = po(("test", "Test"))
    assert [pair[1] for pair in read(tmp_path, members, target="zh")[0]] == ["zh-Hans", "zh_CN"]
    assert [pair[1] for pair in read(tmp_path, members, target="de")[0]] == ["de", "de_DE"]
    assert locale_names("zz") == {"zz"}


def test_a_message_that_two_locales_of_a_language_have_is_taken_once_and_counted(tmp_path):
    members = {
        f"app/locale/{name}/LC_MESSAGES/app.po": po(("Close", f"Schließen in {name}"), (f"Open {name}", "Öffnen"))
        for name in ("de", "de_DE")
    }
    pairs, counts = read(tmp_path, members)
    assert ("Close", "Schließen in de") in pairs
    assert (counts["messages"], counts["repeated"], counts["pairs"]) == (4, 1, 3)


def test_a_broken_catalogue_in_a_release_is_left_out_and_counted(tmp_path):
    members: dict[str, str | bytes] = {
        f"{DE}.po": 'msgid "a\nmsgstr',
        "b/locale/de/LC_MESSAGES/b.po": po(("Close", "Schließen")),
        "c/locale/de/LC_MESSAGES/c.po": HEADER.encode() + b'\nmsgid "a"\nmsgstr "\xff"\n',
        "d/locale/de/LC_MESSAGES/d.mo": b"no catalogue",
    }
    pairs, counts = read(tmp_path, members)
    assert pairs == [("Close", "Schließen")]
    assert counts["broken_catalogues"] == 3


def test_what_is_no_wheel_is_named(tmp_path):
    (tmp_path / "app.whl").write_bytes(b"PK?")
    with pytest.raises(UserError, match=r"app 1\.0 is not a wheel"):
        read_pairs(tmp_path / "app.whl", "app 1.0", "en", "de", None)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that stands for the package index; pip knows no other."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"CONFIG_FILE": "/dev/null", "NO_INDEX": "1", "FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    return folder


def pin(path: Path) -> Wheel:
    content = path.read_bytes()
    return Wheel(
        package="app", version="1.0", sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), licence="MIT"
    )


def get(wheel: Wheel, store: Path) -> Path:
    return fetch_wheel(wheel, store, Progress("test", wheel.bytes, "bytes", quiet=True))


def app(index: Path, text: str = "") -> Path:
    info = "Metadata-Version: 2.1\nName: app\nVersion: 1.0\nRequires-Dist: absent\n"
    wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    folder = "app-1.0.dist-info"
    return make_wheel(index, {f"{folder}/METADATA": info, f"{folder}/WHEEL": wheel, f"{DE}.po": text})


def test_a_wheel_comes_through_pip_and_is_kept(tmp_path, index):
    path, store = app(index), tmp_path / "store"
    wheel = pin(path)
    kept = get(wheel, store)
    assert kept.read_bytes() == path.read_bytes()
    path.unlink()
    assert get(wheel, store) == kept
    assert sorted(file.name for file in store.iterdir()) == sorted([wheel.sha256, "lock"])


def test_what_a_killed_pip_left_is_removed(tmp_path, index):
    path, store = app(index), tmp_path / "store"
    (store / "pip").mkdir(parents=True)
    (store / "pip" / "other-2.0-py3-none-any.whl").write_bytes(b"half")
    assert get(pin(path), store).read_bytes() == path.read_bytes()
    assert not (store / "pip").exists()


def test_a_wheel_with_another_hash_is_refused(tmp_path, index):
    wheel = pin(app(index))
    found = pin(app(index, "changed")).sha256
    with pytest.raises(UserError, match=f"app 1.0 has SHA-256 {found} where the catalogue says {wheel.sha256}"):
        get(wheel, tmp_path / "store")


def test_source_packages_are_not_taken(tmp_path, index):
    wheel = pin(app(index))
    app(index).rename(index / "app-2.0-py3-none-any.whl")
    (index / "app-1.0.tar.gz").write_bytes(b"setup.py inside")
    with pytest.raises(UserError, match=r"can't fetch the wheel of app 1\.0: No matching distribution"):
        get(wheel, tmp_path / "store")


def fetch_from(index_url, wheel, store, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", index_url)
    get(wheel, store)


def test_without_network_pip_and_its_settings_are_named(tmp_path, index, monkeypatch):
    with pytest.raises(UserError, match=re.escape("app 1.0; check the network and pip's settings")):
        fetch_from("http://127.0.0.1:9/simple", pin(app(index)), tmp_path / "store", monkeypatch)


class BusyIndex(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)

    def log_message(self, *args):
        pass


def test_an_index_that_is_busy_may_answer_later(tmp_path, index, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), BusyIndex) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(TransientError, match=re.escape("pip can't fetch the wheel of app 1.0")):
            fetch_from(f"http://127.0.0.1:{server.server_port}", pin(app(index)), tmp_path / "store", monkeypatch)
        server.shutdown()
