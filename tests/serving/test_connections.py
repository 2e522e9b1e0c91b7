"""Clients that keep the service waiting are cut off; those that wait for it are not."""

import asyncio
import functools
import time

import pytest
import uvicorn

from serving.connections import Connection

SECONDS = 0.2
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"


async def app(_scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(2 * SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 20_000_000})


async def answer(sent):
    """What comes back until the connection ends."""
    http = functools.partial(Connection, seconds=SECONDS)
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=http, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    try:
        writer.write(sent)
        if sent.endswith(b"abc"):
            return await reader.readexactly(1000)
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        began = time.monotonic()
        while sent.endswith(b"abc") and server.server_state.connections:  # it doesn't read on
            assert time.monotonic() - began < 5
            await asyncio.sleep(0.01)
        server.should_exit = True
        writer.close()
        await serving


@pytest.mark.parametrize(
    ("sent", "begun"),
    [(b"", b""), (b"POST / HT", b""), (HEAD, b""), (HEAD + b"ab", b""), (HEAD + b"abc", b"HTTP/1.1 200")],
)
def test_who_keeps_the_service_waiting_is_cut_off(sent, begun):
    assert asyncio.run(answer(sent))[:12] == begun
