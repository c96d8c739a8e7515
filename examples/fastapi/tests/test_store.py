import asyncio
import struct
import time

import pytest

from app import store

SSL_REQUEST, STARTUP = 80877103, 3 << 16


async def frozen_postgres(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lets anybody in, as PostgreSQL's frontend/backend protocol has it, and then answers nothing more."""
    while (head := await reader.read(8)) and (code := int.from_bytes(head[4:], "big")) != STARTUP:
        if code == SSL_REQUEST:
            writer.write(b"N")
    for kind, content in [(b"R", bytes(4)), (b"S", b"server_version\0" b"16.0\0"), (b"K", bytes(8)), (b"Z", b"I")]:
        writer.write(kind + struct.pack("!I", 4 + len(content)) + content)
    await reader.read()  # until the client is gone


@pytest.fixture(autouse=True)
def short(monkeypatch):
    for name in ("ACQUIRE_TIMEOUT", "QUERY_TIMEOUT", "CLOSE_TIMEOUT"):
        monkeypatch.setattr(store, name, getattr(store, name) / 10)


def with_frozen_postgres(use):
    """Runs `use` with a store whose database greets and then answers nothing. Returns its seconds."""

    async def run() -> float:
        server = await asyncio.start_server(frozen_postgres, "127.0.0.1")
        host, port = server.sockets[0].getsockname()
        database = store.Store(f"postgresql://reactbin:battery@{host}:{port}/reactbin")
        await database.open()
        began = time.monotonic()
        await use(database)
        await database.close()
        took = time.monotonic() - began
        server.close()
        return took

    return asyncio.run(asyncio.wait_for(run(), 10))


def test_a_frozen_database_holds_nobody_up():
    """Neither the first query of a connection, nor a later one, nor closing the pool."""

    async def use(database):
        with pytest.raises(asyncio.TimeoutError):
            await database.list(1)

    assert with_frozen_postgres(use) < 2


def test_a_query_that_freezes_holds_nobody_up(monkeypatch):
    async def nothing(connection):
        pass

    monkeypatch.setattr(store, "_ensure_schema", nothing)

    async def use(database):
        with pytest.raises(asyncio.TimeoutError):
            await database.list(1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(database.ping(), 0.1)

    assert with_frozen_postgres(use) < 2
