"""Uvicorn, and how it ends."""

import asyncio
import logging
import signal
import sys

import uvicorn

log = logging.getLogger("uvicorn.error")


def serve(app, host: str, port: int, drain: int) -> int:
    """Serve until SIGTERM, then finish what is in flight for `drain` seconds. Returns the exit code."""
    server = Server(uvicorn.Config(app, host=host, port=port), drain)
    # Since 0.29 uvicorn raises SIGTERM once more when it has shut down. Without this handler
    # that would end a process that is not PID 1 with 143.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(server.exit_code))
    server.run()
    return server.exit_code if server.started else 1


class Server(uvicorn.Server):
    """Ends the drain by cancelling the requests that are still in flight.

    Uvicorn's own --timeout-graceful-shutdown does the same, but only since 0.22; Debian 12 has 0.17.
    """

    def __init__(self, config: uvicorn.Config, drain: int):
        super().__init__(config)
        self._drain = drain
        self._cut_off = False

    async def shutdown(self, sockets=None) -> None:
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
