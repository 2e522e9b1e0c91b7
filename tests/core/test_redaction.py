"""Passwords in what a process says."""

import pytest

from seq2seq.core.redaction import redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at http://ann:secret@there:5000/#/runs/1 now", "at http://***@there:5000/#/runs/1 now"),
        ("http://ann:se/cr@et%2F:@there/x", "http://***@there/x"),
        ("http://ann:12/34@there", "http://***@there"),
        ("https://token@there/simple", "https://***@there/simple"),
        ("postgresql+psycopg2://ann:secret@there/db", "postgresql+psycopg2://***@there/db"),
        ('{"url": "https://ann:secret@there", "by": "a@b.org"}', '{"url": "https://***@there", "by": "a@b.org"}'),
        ("https://there/file?sv=1&sig=abc%3D&x=2", "https://there/file?sv=1&sig=***&x=2"),
        ("'https://there/x?X-Amz-Signature=abc'", "'https://there/x?X-Amz-Signature=***'"),
        ("https://there/?private_token=abc#top", "https://there/?private_token=***#top"),
    ],
)
def test_credentials_in_addresses_are_hidden(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "mail ann@there.org, see https://there.org:8080/a?key_size=1",
        "https://there.org/@ann and git@there.org:ann/x.git",
        "Zeit: 12:30 // nicht @ alles",
    ],
)
def test_what_is_no_credential_stays(text):
    assert redact(text) == text


def test_a_password_with_spaces_or_quotes_is_known_from_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", 'http://ann:a "b c@there:5000')
    assert redact('error: http://ann:a "b c@there:5000 is away') == "error: http://***@there:5000 is away"
