"""Uvicorn, and how it ends."""

import asyncio
import logging

import uvicorn

log = logging.getLogger("uvicorn.error")


class Server(uvicorn.Server):
    """Ends the drain after `timeout` seconds, by cancelling the requests that are still in flight.

    Uvicorn's own --timeout-graceful-shutdown does the same, but only since 0.22; Debian 12 has 0.17.
    """

    def __init__(self, config: uvicorn.Config, timeout: int):
        super().__init__(config)
        self._timeout = timeout
        self._cut_off = False

    async def shutdown(self, sockets=None) -> None:
        deadline = asyncio.get_running_loop().call_later(self._timeout, self._cancel)
        await super().shutdown(sockets=sockets)
        deadline.cancel()

    def _cancel(self) -> None:
        self._cut_off = True
        log.error("Requests were still in flight after %d s and are cut off", self._timeout)
        for task in self.server_state.tasks:
            task.cancel()

    @property
    def exit_code(self) -> int:
        """0 when no request was cut off."""
        return 1 if self._cut_off else 0
