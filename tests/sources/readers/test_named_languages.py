import pytest

from seq2seq.sources.readers.named_languages import named_languages
from seq2seq.sources.readers.own import find_contents
from tests.sources.readers.test_binary import write_xlsx

TMX = '<tmx version="1.4"><header srclang="{}"/><body><tu>{}</tu></body></tmx>'
VARIANT = '<tuv xml:lang="{}"><seg>x</seg></tuv>'


def tags_of(path):
    return named_languages(find_contents(path), "utf-8").languages


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("English,French\nA,B\n", ["en", "fr"]),
        ("Français\tEnglish\nA\tB\n", ["fr", "en"]),
        ("id;en;pt_BR;note\n1;A;B;\n", ["en", "pt-BR"]),
        ('"eng","cmn"\n"A","B"\n', ["en", "zh"]),
        ("source\ttarget\nA\tB\n", []),
        ('{"translation": {"de": "A", "en": "B"}}\n', ["de", "en"]),
        (TMX.format("en-US", VARIANT.format("fr-FR") + VARIANT.format("en-US")), ["en-US", "fr-FR"]),
        (TMX.format("*all*", "".join(map(VARIANT.format, ("en", "fr", "de")))), ["en", "fr", "de"]),
        ('<xliff version="1.2"><file source-language="en" target-language="pl">', ["en", "pl"]),
        ('msgid ""\nmsgstr ""\n"Language: pt_BR\\n"\n\nmsgid "A"\nmsgstr "B"\n', ["en", "pt-BR"]),
    ],
)
def test_a_file_says_its_languages_inside(tmp_path, text, tags):
    (tmp_path / "mine").write_text(text, encoding="utf-8")
    assert tags_of(tmp_path / "mine") == tags


def test_so_does_a_sheet(tmp_path):
    write_xlsx(tmp_path / "glossary", {"empty": [], "a": [("English", "Français", "Status"), ("A", "B", "draft")]})
    assert tags_of(tmp_path / "glossary") == ["en", "fr"]


@pytest.mark.parametrize(
    ("names", "tags"),
    [
        (["corpus.en", "corpus.fr"], ["en", "fr"]),
        (["news.en-pt_BR.tsv"], ["en", "pt-BR"]),
        (["mine.zh_Hant-en.txt"], ["zh-Hant", "en"]),
        (["tatoeba_eng_fra.tsv"], ["en", "fr"]),
        (["my file is no table.txt"], []),
    ],
)
def test_so_do_names_of_files(tmp_path, names, tags):
    for name in names:
        (tmp_path / name).write_text("A\tB\n", encoding="utf-8")
    assert tags_of(tmp_path) == tags
