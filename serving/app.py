"""The service put together: what is served, who may ask, and which protocols are spoken."""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Mapping, Sequence

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from serving import health, libretranslate, page, scoring
from serving.engine import Engine
from serving.keys import Keys
from serving.logs import RequestLog
from serving.metrics import Metrics
from serving.models import Loaded, Models
from serving.protocol import Desk, Refusal
from serving.registered import Registered
from serving.settings import Settings
from serving.shadow import Shadow
from serving.watcher import Watcher

CLIENT_GONE = 499  # as nginx calls it; nobody reads it but the log
MOST_OF_REASON = 500  # characters


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def make_app(settings: Settings, loaded: Sequence[Loaded], registered: Sequence[Registered] = ()) -> FastAPI:
    """The application.

    Args:
        settings: how it serves.
        loaded: what answers at first.
        registered: what the first of them follow, each an alias of the registry.

    Raises:
        UserError: two models are for the same pair of languages.
    """
    models = Models(loaded)
    threads = max(one.threads for one in loaded)
    engine = Engine(threads, settings.queue_characters, settings.wait_seconds, settings.cache_bytes)
    metrics = Metrics(engine)
    for one in loaded:
        metrics.serves(one)
    keys = Keys(settings.keys, required=not (settings.open or is_loopback(settings.host)))
    desk = Desk(settings, models, engine, keys, metrics)
    watchers = [
        Watcher(one, first, models, metrics, settings.threads, settings.poll_seconds)
        for one, first in zip(registered, loaded, strict=False)
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        engine.start()
        following = [asyncio.create_task(watcher.follow()) for watcher in watchers]
        yield
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await engine.stop()

    app = FastAPI(title="seq2seq-pipeline", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.desk, app.state.watchers = desk, watchers
    for routes in (libretranslate.routes(desk), scoring.routes(desk), health.routes(desk, watchers), page.routes(desk)):
        app.include_router(routes)

    @app.exception_handler(Refusal)
    async def refuse(request: Request, refusal: Refusal) -> JSONResponse:
        metrics.refusals.labels(refusal.kind).inc()
        return _error_of(request.scope, refusal.status, refusal.reason, refusal.headers)

    @app.exception_handler(HTTPException)
    async def fail(request: Request, error: HTTPException) -> JSONResponse:
        return _error_of(request.scope, error.status_code, error.detail, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def forget(request: Request, _error: ClientDisconnect) -> JSONResponse:
        metrics.refusals.labels("client gone").inc()
        return _error_of(request.scope, CLIENT_GONE, "the client has gone")

    def break_down(scope: Scope) -> JSONResponse:
        return _error_of(scope, 500, "this service has a fault; its log has it under the id of this answer's header")

    app.add_middleware(RequestLog, metrics=metrics, fault=break_down)
    if settings.shadow:
        app.add_middleware(
            Shadow, url=settings.shadow, share=settings.shadow_share, table=settings.shadow_table, metrics=metrics
        )
    if settings.cors:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors, allow_methods=["*"], allow_headers=["*"])
    return app


def _error_of(scope: Scope, status: int, reason: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error in the form of the protocol that was spoken.

    A reason may quote the client, who may have sent half a surrogate pair, or 100,000 characters.
    """
    reason = reason.encode(errors="backslashreplace").decode()
    if len(reason) > MOST_OF_REASON:
        reason = f"{reason[:MOST_OF_REASON]}..."
    content = {"error": reason}
    if scope["path"] == scoring.PATH:
        code = "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST"
        content = {"error_code": code, "message": reason}
    return JSONResponse(content, status, headers)
