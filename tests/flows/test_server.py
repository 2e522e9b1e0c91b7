import threading

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flows import server
from seq2seq.core.errors import UserError


def test_a_server_that_does_not_answer_is_named():
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        wait_for_server = server.find_server()
    with pytest.raises(UserError, match=r"no Prefect server answers at http://127\.0\.0\.1:9/api; start it"):
        wait_for_server()


def test_of_two_runs_the_second_starts_its_server_when_the_first_ones_answers(tmp_path, monkeypatch):
    told, waits = threading.Event(), server.hold_lock
    monkeypatch.setattr(server, "hold_lock", lambda path, waiting: waits(path, waiting, lambda _: told.set()))
    events = []
    monkeypatch.setattr(server, "_start", lambda _port, _log: events.append("starts"))
    monkeypatch.setattr(server, "_wait", lambda _process, url, _log: events.append("answers") or url)

    def second():
        with temporary_settings({PREFECT_HOME: tmp_path}, restore_defaults={PREFECT_API_URL}):
            server.find_server()()

    with temporary_settings({PREFECT_HOME: tmp_path}, restore_defaults={PREFECT_API_URL}):
        wait_for_server = server.find_server()
    other = threading.Thread(target=second)
    other.start()
    assert told.wait(10)
    assert wait_for_server().startswith("http://127.0.0.1:")
    other.join()
    assert events == ["starts", "answers", "starts", "answers"]
