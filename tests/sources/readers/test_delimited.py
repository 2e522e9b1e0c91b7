import pytest

from seq2seq.core.errors import UserError
from seq2seq.sources.readers.delimited import ends_inside
from seq2seq.sources.readers.rows import Wanted
from tests.sources.readers.reading import TWO, read

CREDIT = "CC-BY 2.0 (France) Attribution: tatoeba.org #538123 (CM) & #891077 (Kingpin)"
BAD = "quotation marks that begin a cell and don't end one"
THREE_EMPTY = "Go.\tGeh.\t\nRun!\tLauf!\t\n"


def see(tmp_path, text, *columns, languages=("en", "de")):
    path = tmp_path / "table.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, Wanted(*languages, columns))


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("A house\tEin Haus\nA dog\tEin Hund\n", TWO),
        ("A house\tEin Haus\r\nA dog\tEin Hund", TWO),  # Windows, and no line end at the end
        ("source\ttarget\nA house\tEin Haus\nA dog\tEin Hund\n", TWO),
        ("de,en\nEin Haus,A house\nEin Hund,A dog\n", TWO),
        ("German;English\nEin Haus;A house\nEin Hund;A dog\n", TWO),
        ("id|EN|note|de-AT\n7|A house|x|Ein Haus\n8|A dog||Ein Hund\n", TWO),
        ("\ufeffsource,target\nA house,Ein Haus\nA dog,Ein Hund\n", TWO),
        ("sep=;\nA house;Ein Haus\nA dog;Ein Hund\n", TWO),  # Excel
        ("#separator:tab\n#html:true\nA house\tEin Haus\nA dog\tEin Hund\n", TWO),  # Anki's own export
        (f"A house\tEin Haus\t{CREDIT}\nA dog\tEin Hund\t{CREDIT}\n", TWO),  # Anki's decks of Tatoeba
        ("1276\tA house\t77\tEin Haus\n1277\tA dog\t78\tEin Hund\n", TWO),  # Tatoeba's pairs
        ("0.98\tA house\tEin Haus\n1.1e-2\tA dog\tEin Hund\n", TWO),  # a scored corpus
        ("http://a/1\thttp://b/1\tA house\tEin Haus\nhttp://a/2\thttps://b/2\tA dog\tEin Hund\n", TWO),  # a crawled one
        (THREE_EMPTY, [("Go.", "Geh."), ("Run!", "Lauf!")]),
        ('"Go!"\tGeh!\n"Stop!" he said.\tHalt!\n', [('"Go!"', "Geh!"), ('"Stop!" he said.', "Halt!")]),  # speech
        ('"A ""big"" house"\tEin Haus\nA dog\t"Ein\tHund"\n', [('A "big" house', "Ein Haus"), ("A dog", "Ein\tHund")]),
        ('text,summary\n"One, two\nthree",Kurz\n"a ""b""",c\n', [("One, two\nthree", "Kurz"), ('a "b"', "c")]),
        ('"\t"\nA\tb\n' * 2, [('"', '"'), ("A", "b")] * 2),
        ('A\tb\n\t"\nx\t"\n', [("A", "b"), ("", '"'), ("x", '"')]),
        ('"Go!"\t"Geh!"\n' * 2, [('"Go!"', '"Geh!"')] * 2),
        ('"Go!"\t"Geh!"\n' * 3, [("Go!", "Geh!")] * 3),
        ('"Hi\r\nthere","Hallo\r\nda"\n"x, y",z\n', [("Hi\nthere", "Hallo\nda"), ("x, y", "z")]),
        ('5" pipe,5-Zoll-Rohr\n6" pipe,6-Zoll-Rohr\n', [('5" pipe', "5-Zoll-Rohr"), ('6" pipe', "6-Zoll-Rohr")]),
        ("Yes, I do.\tJa, gern.\nNo, no, no.\tNein.\n", [("Yes, I do.", "Ja, gern."), ("No, no, no.", "Nein.")]),
        ("a\x00b\u2028c\x85d\x0be\x0c\tf\x1cg\n", [("a\x00b\u2028c\x85d\x0be\x0c", "f\x1cg")]),  # no line ends
        ("one\rstill one\teins\n", [("one\rstill one", "eins")]),
    ],
)  # fmt: skip
def test_a_table_is_read_as_people_write_it(tmp_path, text, pairs):
    found = see(tmp_path, text)
    assert (found.kinds, found.pairs, found.bad) == (["table"], pairs, [])


@pytest.mark.parametrize(
    ("columns", "header"),
    [(("2", "4"), False), (("text", "Übersetzung"), True), (("2", "Übersetzung"), True)],
)
def test_columns_are_chosen_by_name_or_number(tmp_path, columns, header):
    names = "nr\ttext\tnote\tÜbersetzung\n" if header else ""
    found = see(tmp_path, f"{names}x\tA house\ta\tEin Haus\ny\tA dog\tb\tEin Hund\n", *columns)
    assert found.pairs == TWO
    assert [reason for _, reason in found.none] == ["the names of the columns"] * header


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ((), r"table.txt has 3 columns, of which the first row holds 'a', 'b', 'c'; say which .*corpora.columns="),
        (("1", "4"), r"corpora.columns: .*table.txt has 3 columns, and no column 4"),
        (("a", "z"), r"no column 'z'; its first row holds 'a', 'b', 'c'"),
    ],
)
def test_it_is_said_where_columns_are_not_clear(tmp_path, columns, said):
    with pytest.raises(UserError, match=said):
        see(tmp_path, "a\tb\tc\nd\te\tf\n", *columns)


def test_a_table_of_one_language_reads_source_and_target(tmp_path):
    assert see(tmp_path, "wrong\tright\nsource\ttarget\n", languages=("en", "en")).pairs == [
        ("wrong", "right"),
        ("source", "target"),
    ]


def test_rows_that_are_none_are_put_aside_with_their_lines(tmp_path):
    text = "A house\tEin Haus\n\nA\tb\tc\nonly\n" + "A dog\tEin Hund\n" * 9
    found = see(tmp_path, text)
    assert len(found.pairs) == 10
    assert found.bad == [("line 3", "3 columns in place of 2"), ("line 4", "1 column in place of 2")]
    assert found.none == [("line 2", "an empty line")]


def test_a_mark_that_is_never_closed_takes_its_own_row_alone(tmp_path):
    text = 'a,b\n"c,d\n"e,f\ne,f\n' + "g,h\n" * 300 + '"i\nj",k\n'
    found = see(tmp_path, text)
    assert found.bad == [("line 2", BAD), ("line 3", BAD)]
    assert found.pairs == [("a", "b"), ("e", "f"), *[("g", "h")] * 300, ("i\nj", "k")]


@pytest.mark.parametrize(
    ("line", "inside", "after"),
    [
        ('a,"b', False, True),
        ('a,"b"', False, False),
        ('a,"b""', False, True),
        ('a"b', False, False),
        ('b",c', True, False),
        ('b"c', True, False),  # no table's way to write
        ('b"",c', True, True),
        ('b",",c', True, True),
        ("", True, True),
    ],
)
def test_where_a_quotation_stands_at_the_end_of_a_line(line, inside, after):
    assert ends_inside(line, ",", inside) is after


def test_a_table_of_open_marks_takes_no_longer_by_the_square(tmp_path):
    found = see(tmp_path, "a,b\n" * 300 + '"' + '","' * 100_000 + "\n" + '"x,y\n' * 3000)
    assert len(found.bad) + len(found.pairs) == 3301
