"""Who translates the texts of files: a bundle on this machine, or a server that speaks LibreTranslate's protocol."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx

from seq2seq.core.errors import TransientError, UserError
from seq2seq.inference.faults import find_faults
from serving.formats.form import HTML

AT_ONCE = 512  # texts for a bundle
REQUEST_TEXTS, REQUEST_CHARACTERS = 50, 20_000
TRIES = 6
BUSY = (429, 503)


class Door(Protocol):
    """Translates texts from one language to another."""

    identity: str  # the same one gives the same outputs
    language: str  # of the outputs

    def translate(self, texts: Sequence[str], markup: str) -> Iterator[list[str]]:
        """Yield outputs of the texts, in order, as they come."""
        ...

    def faults(self, text: str, output: str) -> list[str]:
        """What looks wrong with an output."""
        ...


class BundleDoor:
    """A bundle, with the search of params.yaml."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Raises:
            UserError: it is missing or damaged.
        """
        from seq2seq.inference.translator import Translator  # noqa: PLC0415 - a server needs no engine here
        from serving.models import plain_bundle  # noqa: PLC0415

        version = plain_bundle(folder)
        self._decoding = version.decoding
        self._translator = Translator.load(folder, version.runtime)
        self.language = self._translator.manifest.languages.target
        self.identity = f"{self._translator.manifest.model_dump_json()} {version.decoding.model_dump_json()}"

    def translate(self, texts: Sequence[str], markup: str) -> Iterator[list[str]]:
        """Yield outputs of the texts, in order, as they come."""
        from seq2seq.inference.pages import translate_html  # noqa: PLC0415

        size = 1 if markup == HTML else AT_ONCE
        for start in range(0, len(texts), size):
            some = list(texts[start : start + size])
            if markup == HTML:
                yield translate_html(self._translator, some, self._decoding)
            else:
                yield self._translator.translate(some, self._decoding)

    def faults(self, text: str, output: str) -> list[str]:
        """What looks wrong with an output."""
        return self._translator.faults(text, output)


class ServerDoor:
    """A server; where it is busy, this waits as long as it says."""

    def __init__(self, url: str, source: str, target: str, key: str) -> None:
        """Ask it which languages it serves; the first ones are taken where none are named.

        Raises:
            UserError: it is no such server, or serves other languages.
            TransientError: it does not answer.
        """
        self.url = url.rstrip("/")
        self._client = httpx.Client(timeout=120)
        self._key = {"api_key": key} if key else {}
        served = self._ask("GET", "/languages")
        pairs = [(one["code"], other) for one in served for other in one["targets"] if other != one["code"]]
        fitting = [pair for pair in pairs if source in ("", pair[0]) and target in ("", pair[1])]
        if not fitting:
            known = ", ".join(f"{one} to {other}" for one, other in pairs)
            raise UserError(
                f"{self.url} doesn't translate from {source or 'any'} to {target or 'any'}; it serves {known}"
            )
        self._source, self.language = fitting[0]
        self.identity = f"{self.url} {self._source} {self.language}"

    def _ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        for tried in range(TRIES):
            try:
                answer = self._client.request(method, f"{self.url}{path}", json=fields)
            except httpx.HTTPError as error:
                raise TransientError(f"{self.url} does not answer ({error}); is the server running?") from None
            if answer.status_code not in BUSY or tried == TRIES - 1:
                break
            time.sleep(min(float(answer.headers.get("Retry-After", 2**tried)), 60))
        try:
            found = answer.json()
        except ValueError:
            raise UserError(f"{self.url}{path} doesn't speak LibreTranslate's protocol; check the URL") from None
        if answer.status_code in BUSY:
            raise TransientError(f"{self.url}: {found.get('error', answer.status_code)}")
        if answer.is_error:
            raise UserError(f"{self.url}: {found.get('error', answer.status_code)}")
        return found

    def translate(self, texts: Sequence[str], markup: str) -> Iterator[list[str]]:
        """Yield outputs of the texts, in order, as they come."""
        some: list[str] = []
        for text in texts:
            if some and (len(some) == REQUEST_TEXTS or sum(map(len, some)) + len(text) > REQUEST_CHARACTERS):
                yield self._outputs(some, markup)
                some = []
            some.append(text)
        if some:
            yield self._outputs(some, markup)

    def _outputs(self, texts: list[str], markup: str) -> list[str]:
        fields = {"q": texts, "source": self._source, "target": self.language, "format": markup} | self._key
        outputs: list[str] = self._ask("POST", "/translate", fields)["translatedText"]
        return outputs

    def faults(self, text: str, output: str) -> list[str]:
        """What looks wrong with an output."""
        return find_faults(text, output)
