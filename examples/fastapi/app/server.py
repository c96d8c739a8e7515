"""Uvicorn, and how it ends."""

import asyncio
import logging
import signal
import sys

import uvicorn
from fastapi import FastAPI

log = logging.getLogger("uvicorn.error")


def serve(app: FastAPI, host: str, port: int, delay: int, drain: int) -> int:
    """Serve until SIGTERM, then as Server ends. Returns the exit code."""
    server = Server(app, delay, drain, host=host, port=port)
    # Since 0.29 uvicorn raises SIGTERM once more when it has shut down. Without this handler
    # that would end a process that is not PID 1 with 143.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(server.exit_code))
    server.run()
    return server.exit_code if server.started else 1


class Server(uvicorn.Server):
    """Ends in two steps, so that no request is lost.

    For `delay` seconds it serves on: other nodes learn only then that this pod is gone. It is not ready
    any more, and answers with Connection: close, for a connection that uvicorn closes while it is idle
    may have a request on its way. Then it stops listening, and finishes what is in flight for `drain`
    seconds. Uvicorn's own --timeout-graceful-shutdown does that, but only since 0.22; Debian 12 has 0.17.
    """

    def __init__(self, app: FastAPI, delay: float, drain: float, **config):
        super().__init__(uvicorn.Config(LastAnswers(app), **config))
        self._state, self._delay, self._drain = app.state, delay, drain
        self._cut_off = False

    async def shutdown(self, sockets=None) -> None:
        self._state.ending = True
        await asyncio.sleep(self._delay)
        deadline = asyncio.get_running_loop().call_later(self._drain, self._cancel)
        await super().shutdown(sockets=sockets)
        deadline.cancel()

    def _cancel(self) -> None:
        self._cut_off = True
        log.error("Requests were still in flight after %d s and are cut off", self._drain)
        for task in self.server_state.tasks:
            task.cancel()

    @property
    def exit_code(self) -> int:
        """0 when no request was cut off."""
        return 1 if self._cut_off else 0


class LastAnswers:
    """Adds Connection: close to the answers of an app that ends."""

    def __init__(self, app: FastAPI):
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        async def last(message) -> None:
            if message["type"] == "http.response.start" and self._app.state.ending:
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, last)
