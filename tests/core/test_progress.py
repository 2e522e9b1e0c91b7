import time

import pytest

from seq2seq.core import progress
from seq2seq.core.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still; tests set its hands."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_rate_and_time_left_come_from_what_was_done_since_the_start(clock, capsys):
    with Progress("train", 1000, "updates", initial=800) as shown:
        clock[0] += progress.SECONDS_BETWEEN_LINES + 5
        shown.add(100, "loss 2.0")
        assert capsys.readouterr().err == "train: 900 of 1,000 updates, 5.0 updates/s, 20 s left, loss 2.0\n"
    assert capsys.readouterr().err == "train: 900 of 1,000 updates, 5.0 updates/s, loss 2.0\n"


def test_a_slow_rate_is_told_in_tenths_or_hundredths(clock, capsys):
    with Progress("timing", 9, "turns") as shown:
        clock[0] += 20
        shown.add(4)
        assert "4 of 9 turns, 0.2 turns/s, 25 s left" in capsys.readouterr().err
        clock[0] += 80
        shown.add(1)
        assert "5 of 9 turns, 0.05 turns/s, 80 s left" in capsys.readouterr().err


def test_a_bar_begins_where_the_work_goes_on(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress("train", 1000, "updates", initial=800) as shown:
        shown.add(100)
        assert (shown.bar.n, shown.bar.initial) == (900, 800)
    assert "900/1000" in capsys.readouterr().err
