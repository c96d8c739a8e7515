import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from app.server import Server

PROJECT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class App:
    """An ASGI app that tells what it has seen, and lets its server end at the first request."""

    def __init__(self, hangs: bool):
        self.state, self.seen, self._hangs = SimpleNamespace(ending=False), [], hangs

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
                self.seen.append(phase)
            return
        self.seen.append("request")
        self.server.should_exit = True
        if self._hangs:
            await asyncio.Event().wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


def served(app: App, delay: float, drain: float, client):
    """Runs a client, which is given a connection, next to the server. Returns what it returned."""
    port = free_port()
    app.server = Server(app, delay, drain, host="127.0.0.1", port=port)

    async def connected():
        while not app.server.started:
            await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            return await client(reader, writer)
        finally:
            writer.close()

    async def both():
        return await asyncio.gather(connected(), app.server.serve())

    return asyncio.run(both())[0]


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_drain_ends_in_time_and_lifespan_still_ends():
    """A request that never ends is cut off, the exit code says so, and the pool would be closed."""

    async def client(reader, writer):
        writer.write(REQUEST)
        return await reader.read()

    app = App(hangs=True)
    assert not served(app, 0, 0, client).startswith(b"HTTP/1.1 200")
    assert app.seen == ["startup", "request", "shutdown"]
    assert app.server.exit_code == 1


def test_serves_on_and_tells_kept_connections():
    async def client(reader, writer):
        writer.write(REQUEST)
        first = await reader.readuntil(b"\r\n\r\n")
        while not app.state.ending:
            await asyncio.sleep(0.01)
        writer.write(REQUEST)
        return first, await reader.read()  # until the server closes

    app = App(hangs=False)
    first, last = served(app, 0.5, 5, client)
    assert first.startswith(b"HTTP/1.1 204") and b"connection: close" not in first
    assert last.startswith(b"HTTP/1.1 204") and b"connection: close" in last
    assert app.seen == ["startup", "request", "request", "shutdown"]
    assert app.server.exit_code == 0


def test_sigterm_ends_the_start():
    script = "import app.__main__, os, signal; os.kill(os.getpid(), signal.SIGTERM); signal.pause()"
    assert subprocess.run([sys.executable, "-c", script], cwd=PROJECT, timeout=10).returncode == 0
