import asyncio
import socket

import uvicorn

from app.server import Server


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_drain_ends_in_time_and_lifespan_still_ends():
    """A request that never ends is cut off, the exit code says so, and the pool would be closed."""
    seen = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
                seen.append(phase)
            return
        seen.append("request")
        server.should_exit = True
        await asyncio.Event().wait()

    port = free_port()
    server = Server(uvicorn.Config(app, host="127.0.0.1", port=port), drain=0)

    async def request():
        while not server.started:
            await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    async def both():
        answer, _ = await asyncio.gather(request(), server.serve())
        return answer

    answer = asyncio.run(both())
    assert not answer.startswith(b"HTTP/1.1 200")
    assert seen == ["startup", "request", "shutdown"]
    assert server.exit_code == 1
