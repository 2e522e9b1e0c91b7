"""What all protocols share: how a request is read, checked and answered, and what a refusal is."""

import asyncio
import json
import string
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote

from starlette.requests import Request

from seq2seq.core.errors import UserError
from serving.engine import BusyError, Engine
from serving.keys import Keys
from serving.metrics import Metrics
from serving.models import Loaded, Models
from serving.settings import Settings
from serving.texts import FORMATS, Texts

T = TypeVar("T")
# whoever sends one comes through a proxy, so from elsewhere, though the proxy stands on this machine
FORWARDED = {"forwarded", "x-forwarded-for", "x-real-ip"}
BODY_OVERHEAD = 2**16  # bytes of a request beside its text
ASIDE = 2_000  # characters: to split them takes as long as a thread costs
SCORED_AT_ONCE = 4  # samples; under load the sample is smaller, so that none wait
BODIES_AT_ONCE = 200  # as large as may be: with the limits that are the default, 250 MB
BYTES_PER_CHARACTER = 12  # at most: JSON may write one as two escapes


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer that is no translation: its status, and why, in words for the client."""

    def __init__(self, status: int, reason: str, kind: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.kind, self.headers = status, reason, kind, headers or {}


class Desk:
    """Takes requests: everything that a route needs."""

    def __init__(self, settings: Settings, models: Models, engine: Engine, keys: Keys, metrics: Metrics) -> None:
        self.settings, self.models, self.engine, self.keys, self.metrics = settings, models, engine, keys, metrics
        self._scoring: set[asyncio.Task[None]] = set()
        self._reading = 0  # bytes of bodies that are being read

    async def read(self, request: Request) -> bytes:
        """The body, if it is no larger than any text that is taken.

        Raises:
            Refusal: it is, or too many clients send too much at once.
        """
        limit = BODY_OVERHEAD + BYTES_PER_CHARACTER * self.settings.text_characters
        parts: list[bytes] = []
        size = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                self._reading += len(chunk)
                if size > limit:
                    raise self.too_long()
                if self._reading > BODIES_AT_ONCE * limit:
                    raise Refusal(
                        429, "Slowdown: too much is being sent; come again in 1 s", "busy", {"Retry-After": "1"}
                    )
                parts.append(chunk)
        finally:
            self._reading -= size
        return b"".join(parts)

    async def read_fields(self, request: Request) -> dict[str, Any]:
        """The fields of a JSON object, of a form, or of the address.

        Raises:
            Refusal: it is neither, too large, or not UTF-8.
        """
        body = await self.read(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            asked = "" if body else request.url.query  # some clients have no body, and all fields in the address
            if asked or kind == "application/x-www-form-urlencoded":
                written = asked or body.decode()
                form = parse_qs(written, keep_blank_values=True, errors="strict", max_num_fields=self.settings.texts)
                return {name: values[0] if len(values) == 1 else values for name, values in form.items()}
            fields = json.loads(body)
        except UnicodeDecodeError:
            raise Refusal(400, "Invalid request: the body is not UTF-8", "encoding") from None
        except (ValueError, RecursionError):
            raise Refusal(400, "Invalid request: the body is neither JSON nor a form", "json") from None
        if not isinstance(fields, dict):
            raise Refusal(400, "Invalid request: the body is no JSON object", "json")
        return fields

    def too_long(self) -> Refusal:
        """The answer to a text that is too long."""
        limit = self.settings.text_characters
        return Refusal(413, f"Invalid request: request exceeds text limit of {limit:,} characters", "too long")

    def check_texts(self, texts: list[str]) -> None:
        """Check that texts can be translated.

        Raises:
            Refusal: they are too many, too long together, or one is no Unicode text.
        """
        if len(texts) > self.settings.texts:
            raise Refusal(
                413,
                f"Invalid request: request ({len(texts):,}) exceeds text limit ({self.settings.texts:,})",
                "too many",
            )
        if sum(map(len, texts)) > self.settings.text_characters:
            raise self.too_long()
        for text in texts:
            try:
                text.encode()
            except UnicodeEncodeError:
                raise Refusal(400, "Invalid request: a text holds half of a surrogate pair", "encoding") from None

    def check_key(self, request: Request, given: Any, characters: int) -> None:
        """Check a client's key, and count what it asks for.

        Raises:
            Refusal: the key is missing or wrong, or its limit is reached.
        """
        if self.settings.open or not (self.keys.required or FORWARDED & {*request.headers}):
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        key = given if isinstance(given, str) and given else token if scheme.lower() == "bearer" else ""
        if not key:
            raise Refusal(403, "Please contact the server operator to get an API key", "no key")
        seconds = self.keys.admit(key, characters)
        if seconds is None:
            raise Refusal(403, "Invalid API key", "bad key")
        if seconds:
            reason = f"Slowdown: this key's characters of this minute are used up; come again in {seconds} s"
            raise Refusal(429, reason, "key limit", {"Retry-After": str(seconds)})

    async def translate(self, request: Request, model: Loaded, texts: list[str], format: str = "text") -> list[str]:
        """Translate texts, as long as the client waits.

        Raises:
            Refusal: too much waits, or it takes too long.
        """
        return await self.wait(request, self._translate(model, texts, format))

    async def _translate(self, model: Loaded, texts: list[str], format: str) -> list[str]:
        prepared = await self.prepare(model, texts, format)
        outputs = await self.engine.translate(model, prepared.sentences)
        written = await self.write(prepared, outputs)
        await self.observe(model, texts, written, prepared.sentences, outputs)
        return written

    async def observe(
        self, model: Loaded, texts: list[str], answers: list[str], sentences: list[str], outputs: Sequence[str]
    ) -> None:
        """Tell the metrics what was answered; a sample of sentences is scored later, and no answer waits for it."""
        if sum(map(len, texts)) < ASIDE:
            self.metrics.translated(model, texts, answers)
        else:
            await asyncio.to_thread(self.metrics.translated, model, texts, answers)
        places = [place for place in self.metrics.sample(len(sentences)) if outputs[place]]
        if places and len(self._scoring) < SCORED_AT_ONCE:
            sampled = [[side[place] for place in places] for side in (sentences, outputs)]
            task = asyncio.create_task(asyncio.to_thread(self.metrics.score, model, *sampled))
            self._scoring.add(task)  # asyncio itself holds no task
            task.add_done_callback(self._scoring.discard)

    async def prepare(self, model: Loaded, texts: list[str], format: str) -> Texts:
        """The sentences of texts in one of ``FORMATS``; many are split aside, so that others are answered meanwhile."""
        characters = sum(map(len, texts))
        if characters < ASIDE:
            return FORMATS[format](model, texts)
        with self.engine.prepare(characters):
            return await asyncio.to_thread(FORMATS[format], model, texts)

    async def write(self, prepared: Texts, outputs: Sequence[str]) -> list[str]:
        """The answer to each text."""
        if prepared.asks_model:
            return await asyncio.to_thread(prepared.write, outputs)
        return prepared.write(outputs)

    async def wait(self, request: Request, work: Awaitable[T]) -> T:
        """Wait for work, but no longer than the client does, nor than settings allow.

        Raises:
            Refusal: too much waits, or it takes too long.
        """
        task = asyncio.ensure_future(work)
        gone = asyncio.create_task(_gone(request.receive))
        try:
            await asyncio.wait({task, gone}, timeout=self.settings.wait_seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if gone.done():
                raise Refusal(499, "the client has gone", "client gone")
            seconds = str(max(1, round(self.settings.wait_seconds)))
            raise Refusal(503, "this took too long; come again, or send less", "time-out", {"Retry-After": seconds})
        except BusyError as error:
            raise Refusal(429, f"Slowdown: {error}", "busy", {"Retry-After": str(error.seconds)}) from None
        except (RuntimeError, ValueError, UserError) as error:
            raise Refusal(500, f"Cannot translate text: {' '.join(str(error).split())}", "engine") from error
        finally:
            task.cancel()
            gone.cancel()


async def _gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def headers_of(model: Loaded) -> dict[str, str]:
    """Which model answered; what isn't ASCII in its name is written as in an address."""
    name = quote(model.version.name, safe=f"{string.punctuation} ")
    told = {"X-Model": name, "X-Model-Version": model.version.version, "X-Bundle-SHA256": model.digest}
    return told | ({"X-Model-Unconfirmed": "the registry could not be asked"} if model.unconfirmed else {})
