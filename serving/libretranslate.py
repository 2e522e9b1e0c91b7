"""LibreTranslate's API, https://docs.libretranslate.com/, which many clients speak already."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from seq2seq.inference.alignment import Sentence
from seq2seq.inference.translator import Output
from seq2seq.text.identification import Identified, identify
from seq2seq.text.languages import matching, word_spans
from seq2seq.text.scripts import name_of
from serving.metrics import UNKNOWN
from serving.models import Loaded
from serving.protocol import Desk, Refusal, headers_of
from serving.texts import FORMATS, Texts

T = TypeVar("T")
AUTO = "auto"
MOST_ALTERNATIVES = 10
LOOKED_AT = 0.15  # of the attention of an output's word; a word of the source with less is not told


def routes(desk: Desk) -> APIRouter:
    """The routes of this protocol."""
    router = APIRouter(tags=["LibreTranslate"])

    @router.post("/translate", openapi_extra=_body(TRANSLATE), summary="Translate a text or a list of texts")
    async def translate(request: Request) -> JSONResponse:
        fields = await desk.read_fields(request)
        texts = _texts(fields)
        source, target = _text(fields, "source"), _text(fields, "target")
        format = str(fields.get("format") or "text")
        if format not in FORMATS:
            raise Refusal(400, f"{format!r} format is not supported; send {' or '.join(FORMATS)}", "format")
        alternatives = _number(fields, "alternatives", MOST_ALTERNATIVES)
        details = str(fields.get("details", "false")).lower() == "true"
        desk.check_texts(texts)
        desk.check_key(request, fields.get("api_key"), sum(map(len, texts)))
        found = [(source, 100.0)] * len(texts)
        if source == AUTO:  # aside, since it takes a list of thousands seconds
            found = await asyncio.to_thread(lambda: [_detect(desk, text) for text in texts])
        models = [_model(desk, language, target) for language, _ in found]
        answer: dict[str, Any] = {"translatedText": [""] * len(texts)}
        if alternatives or details:
            more = await desk.wait(
                request,
                _together(_nbest(desk, *pair, format, details) for pair in zip(models, texts, strict=True)),
            )
            answer["translatedText"] = [texts[0] for texts, _ in more]
            if alternatives:
                answer["alternatives"] = [texts[1 : alternatives + 1] for texts, _ in more]
            if details:
                answer["details"] = [shown for _, shown in more]
        else:
            for model in dict.fromkeys(models):
                places = [place for place, one in enumerate(models) if one is model]
                written = await desk.translate(request, model, [texts[place] for place in places], format)
                for place, text in zip(places, written, strict=True):
                    answer["translatedText"][place] = text
        if source == AUTO:
            answer["detectedLanguage"] = [{"confidence": sure, "language": language} for language, sure in found]
        if isinstance(fields["q"], str):
            answer = {name: value[0] for name, value in answer.items()}
        return JSONResponse(answer, headers=headers_of(models[0]) if models else {})

    @router.post("/detect", openapi_extra=_body(DETECT), summary="Tell which served language a text is in")
    async def detect(request: Request) -> JSONResponse:
        fields = await desk.read_fields(request)
        texts = _texts(fields)
        desk.check_texts(texts)
        desk.check_key(request, fields.get("api_key"), sum(map(len, texts)))
        found = await asyncio.to_thread(_identify, desk, texts[0] if texts else "")
        language, sure = (found.language, round(100 * found.probability, 1)) if found else (UNKNOWN, 0.0)
        return JSONResponse([{"confidence": sure, "language": language}])

    @router.get("/languages", summary="The languages that are served")
    async def languages() -> JSONResponse:
        targets: dict[str, list[str]] = {}
        for model in desk.models.all():
            targets.setdefault(model.languages.source, []).append(model.languages.target)
        every = dict.fromkeys([*targets, *(target for found in targets.values() for target in found)])
        return JSONResponse([{"code": code, "name": name_of(code), "targets": targets.get(code, [])} for code in every])

    @router.get("/frontend/settings", summary="What a page needs to know")
    async def frontend() -> JSONResponse:
        first = desk.models.first().languages
        sides = {side: {"code": code, "name": name_of(code)} for side, code in first.model_dump().items()}
        return JSONResponse(
            {
                "apiKeys": desk.keys.required,
                "keyRequired": desk.keys.required,
                "charLimit": desk.settings.text_characters,
                "frontendTimeout": 500,
                "language": sides,
                "suggestions": False,
                "supportedFilesFormat": [],
                "filesTranslation": False,
            }
        )

    @router.post("/suggest", summary="Suggestions are not kept")
    async def suggest() -> JSONResponse:
        raise Refusal(403, "Suggestions are disabled on this server.", "suggest")

    @router.get("/health", summary="As LibreTranslate tells it; /ready says more")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return router


def _texts(fields: dict[str, Any]) -> list[str]:
    q = fields.get("q")
    if q is None:
        raise Refusal(400, "Invalid request: missing q parameter", "missing")
    texts = q if isinstance(q, list) else [q]
    if not all(isinstance(text, str) for text in texts):
        raise Refusal(400, "Invalid request: q is neither a text nor a list of texts", "type")
    return texts


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"Invalid request: missing {name} parameter", "missing")
    return value


def _number(fields: dict[str, Any], name: str, most: int) -> int:
    value = fields.get(name, 0)
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise Refusal(400, f"Invalid request: {name} is no number", "type") from None
    if not 0 <= number <= most:
        raise Refusal(400, f"Invalid request: {name} must be from 0 to {most}", "type")
    return number


def _sources(desk: Desk) -> list[str]:
    return list(dict.fromkeys(model.languages.source for model in desk.models.all()))


def _identify(desk: Desk, text: str) -> Identified | None:
    """The served language that a text is in; it is counted, and so is a text whose language is unknown."""
    found = identify(text, _sources(desk))
    desk.metrics.languages.labels(found.language if found else UNKNOWN).inc()
    return found


def _detect(desk: Desk, text: str) -> tuple[str, float]:
    sources = _sources(desk)
    if not any(char.isalpha() for char in text):
        return sources[0], 0.0  # nothing to translate, whatever the language
    if (found := _identify(desk, text)) is None:
        known = ", ".join(sources)
        raise Refusal(400, f"the language of a text is unknown here; served are {known}: say which it is", "language")
    return found.language, round(100 * found.probability, 1)


def _model(desk: Desk, source: str, target: str) -> Loaded:
    pairs = {(one.languages.source, one.languages.target): one for one in desk.models.all()}
    sources = matching(source, [pair[0] for pair in pairs])
    targets = matching(target, [pair[1] for pair in pairs])
    if (found := pairs.get((sources or "", targets or ""))) is None:
        served = ", ".join(f"{one} to {other}" for one, other in pairs)
        raise Refusal(400, f"{source} to {target} is not supported; served: {served}", "language pair")
    return found


async def _together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What several works give; where one is refused, the others end too."""
    tasks = list(map(asyncio.ensure_future, works))
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _nbest(desk: Desk, model: Loaded, text: str, format: str, details: bool) -> tuple[list[str], dict[str, Any]]:
    """Several translations of a text, best first, and what is known of each sentence of the best.

    The k-th translation of a text has the k-th of each sentence, or the best of one that has fewer.
    """
    prepared = await desk.prepare(model, [text], format)
    found = await desk.engine.translate(model, prepared.sentences, nbest=True)
    texts = []
    for rank in range(max(map(len, found), default=1) or 1):
        ranked = [outputs[min(rank, len(outputs) - 1)].text if outputs else "" for outputs in found]
        texts += await desk.write(prepared, ranked)
    best = [outputs[0].text if outputs else "" for outputs in found]
    await desk.observe(model, [text], texts[:1], prepared.sentences, best)
    shown = await asyncio.to_thread(_shown, model, prepared, found) if details else {}
    return list(dict.fromkeys(texts)), shown


def _shown(model: Loaded, prepared: Texts, found: Sequence[list[Output]]) -> dict[str, Any]:
    """What is known of each sentence and its best output.

    ``alignment`` says of each word where it comes from, ``flags`` what looks wrong. ``split`` is a part of a sentence
    that was too long, and of what was ``cut`` the end was left out.
    """
    translator, sentences = model.translator, prepared.sentences
    best = [outputs[0].text if outputs else "" for outputs in found]
    cut = translator.find_truncated(sentences)
    shown = [
        {
            "source": sentence,
            "outputs": [asdict(one) for one in found[place]],
            "alignment": _alignment(sentence, words),
            "flags": translator.faults(sentence, best[place]),
            "split": place in prepared.parts,
            "cut": cut[place],
        }
        for place, (sentence, words) in enumerate(zip(sentences, translator.align(sentences, best), strict=True))
    ]
    version = {"model": model.version.name, "version": model.version.version, "bundle_sha256": model.digest}
    return version | {"sentences": shown}


def _alignment(source: str, sentence: Sentence) -> list[dict[str, Any]]:
    """Words of an output and of its source, in characters; words that it hardly looked at are left out."""
    words = word_spans(source)
    shares = [[float(row[start:end].sum()) for start, end in words] for row in sentence.weights]
    return [
        {"target": word, "source": [span for span, share in zip(words, row, strict=True) if share > LOOKED_AT]}
        for word, row in zip(sentence.words, shares, strict=True)
    ]


_Q = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
DETECT = {
    "type": "object",
    "required": ["q"],
    "properties": {"q": {"type": "string"}, "api_key": {"type": "string"}},
    "example": {"q": "Good morning."},
}
TRANSLATE = {
    "type": "object",
    "required": ["q", "source", "target"],
    "properties": {
        "q": _Q,
        "source": {"type": "string", "description": "a BCP 47 tag, or auto"},
        "target": {"type": "string"},
        "format": {"type": "string", "enum": list(FORMATS), "default": "text"},
        "alternatives": {"type": "integer", "minimum": 0, "maximum": MOST_ALTERNATIVES, "default": 0},
        "details": {"type": "boolean", "default": False},
        "api_key": {"type": "string"},
    },
    "example": {"q": "Good morning.", "source": "en", "target": "de"},
}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}, "application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}
