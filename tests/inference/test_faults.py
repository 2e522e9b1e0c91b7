"""What can be seen to be wrong with a translation."""

import time

import pytest

from seq2seq.inference.faults import are_grave, find_faults

LONG = " ".join(f"word{chr(97 + place)}" for place in range(25))


@pytest.mark.parametrize(
    ("source", "output", "faults"),
    [
        ("A man sleeps.", "Ein Mann schläft.", []),
        ("A man sleeps.", "Ein sehr sehr sehr sehr alter Mann.", ["repeats itself"]),
        ("Very, very, very, very old", "Sehr, sehr, sehr, sehr alt", []),
        ("A man sleeps.", "Ein Mann und eine Frau und eine Frau und eine Frau und eine Frau", ["repeats itself"]),
        ("A man sleeps.", "Ein Tooommmmmmann schläft.", ["repeats itself"]),
        ("one million", "1000000 ------- hahaha", []),
        ("ha ha ha ha ha", "ha ha ha ha ha", []),
        ("A man.", LONG, ["too long"]),
        (LONG, "Ein Mann", ["too short"]),
        ("A man.", "", ["too short"]),
        ("", "", []),
        ("Hello %(name)s, {0}", "Hallo %(name)s", ["placeholder lost"]),
        ("Hello {{name}} %1$s", "{{name}} %1$s, hallo", []),
        ("See https://a.org/b?c=d.", "Siehe https://a.org/b?c=d!", []),
        ("Write to me@a.org or www.a.org", "Schreib an me@a.de oder www.a.org", ["address lost"]),
        ("1,500 men at 1:00 PM", "1.500 Männer um 13 Uhr", []),
        ("12 men", "Zwölf Männer", ["number lost"]),
    ],
)
def test_faults(source, output, faults):
    assert find_faults(source, output) == faults
    assert are_grave(faults) == bool(faults and faults != ["number lost"])


@pytest.mark.parametrize("run", ["1", "a", "%0", "a.", "%(a)0", "1:1", "_"])
def test_no_text_takes_more_than_linear_time(run):
    """Else one request of 100,000 characters would stop a service for minutes."""
    text = run[:-1] + 30_000 * run[-1] + " 1 @ %"
    began = time.process_time()
    find_faults(text, text)
    assert time.process_time() - began < 0.5
