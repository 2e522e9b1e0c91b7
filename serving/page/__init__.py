"""The page at ``/``: type and see the translation, other ones, what each word comes from, and the model's card."""

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from seq2seq.report.markdown import card_as_html
from serving.protocol import Desk

FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
# the page loads nothing from elsewhere, and no text that it shows can run
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def routes(desk: Desk) -> APIRouter:
    """The page's files, and what it says of the models."""
    router = APIRouter(tags=["page"])
    for path, (name, kind) in FILES.items():
        router.add_api_route(path, _file(name, kind), include_in_schema=path == "/", summary="The page")

    @router.get("/models", summary="What answers, with its card, and since when")
    async def models() -> JSONResponse:
        return JSONResponse(
            [
                {
                    "model": one.version.name,
                    "version": one.version.version,
                    "bundle_sha256": one.digest,
                    "source": one.languages.source,
                    "target": one.languages.target,
                    "alias": one.version.facts.get("alias", ""),
                    "since": one.version.facts.get("since", ""),
                    "reason": one.version.facts.get("reason", ""),
                    "card": card_as_html(one.version.facts.get("card", "")),
                }
                for one in desk.models.all()
            ]
        )

    return router


def _file(name: str, kind: str) -> Callable[[], Response]:
    content = (Path(__file__).parent / name).read_bytes()
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}

    def answer() -> Response:
        return Response(content, media_type=f"{kind}; charset=utf-8", headers=headers)

    return answer
