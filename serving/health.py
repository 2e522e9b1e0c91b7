"""How it goes, for orchestrators and for Prometheus."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from serving.aside import run_aside
from serving.models import CANARY
from serving.protocol import Desk
from serving.watcher import Watcher

SECONDS_TO_ANSWER = 10.0


def routes(desk: Desk, watchers: Sequence[Watcher]) -> APIRouter:
    """The routes; none needs a key."""
    router = APIRouter(tags=["health"])

    asked: list[asyncio.Future[list[str]]] = []  # the question that is being answered

    @router.get("/live", summary="Whether the engine answers; if not, restart it")
    async def live() -> JSONResponse:
        if not asked or asked[0].done():  # one question at a time, whoever asks how often
            asked[:] = [run_aside(desk.models.first().translate, [CANARY])]
        try:
            await asyncio.wait_for(asyncio.shield(asked[0]), SECONDS_TO_ANSWER)
        except (TimeoutError, RuntimeError, ValueError) as error:
            return JSONResponse({"status": "failing", "reason": str(error) or "no answer in time"}, 503)
        return JSONResponse({"status": "ok"})

    @router.get("/ready", summary="What is served, and whether it is what the registry says")
    async def ready() -> JSONResponse:
        problems = {one.registered.name: one.problem for one in watchers if one.problem}
        served = [
            {
                "model": one.version.name,
                "version": one.version.version,
                "bundle_sha256": one.digest,
                "source": one.languages.source,
                "target": one.languages.target,
            }
            for one in desk.models.all()
        ]
        return JSONResponse({"status": "ok", "served": served, "problems": problems})

    @router.get("/metrics", summary="For Prometheus")
    async def metrics() -> Response:
        return Response(generate_latest(desk.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router
