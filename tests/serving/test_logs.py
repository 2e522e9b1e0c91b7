"""The log never stops the service: a reader who sleeps, a full disk."""

import json
import logging
import os
import time
from pathlib import Path

from serving.logs import MOST_LINES, Lines


def line(text):
    return logging.LogRecord("serving", logging.INFO, "", 0, text, (), None)


def test_a_log_that_nobody_reads_stops_nobody_and_what_was_lost_is_counted():
    reading, writing = os.pipe()
    lines = Lines(writing)
    began = time.monotonic()
    for number in range(MOST_LINES + 5_000):
        lines.emit(line(str(number)))
    assert time.monotonic() - began < 5  # a pipe holds some 600 of them, and nobody reads it
    with os.fdopen(reading) as file:
        read = [json.loads(next(file)) for _ in range(MOST_LINES)]
        lines.emit(line("last"))
        for text in file:
            read.append(json.loads(text))
            if read[-1]["what"] == "last":
                break
    written = [one["what"] for one in read]
    lost = sum(one["lines"] for one in read if one["what"] == "log lines were lost")  # in one stretch or several
    assert lost > 0
    assert lost == MOST_LINES + 5_000 - (len(written) - written.count("log lines were lost") - 1)
    os.close(writing)


def test_a_full_disk_stops_nobody():
    with Path("/dev/full").open("wb") as full:
        lines = Lines(full.fileno())
        lines.emit(line("one"))
        lines.flush()
    assert lines._lost == 1
