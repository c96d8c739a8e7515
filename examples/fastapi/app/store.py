"""Reactions as rows in Postgres."""

import asyncio
import uuid
from contextlib import asynccontextmanager, contextmanager

import asyncpg

# What a database that is away, starting or wrongly addressed raises; timeouts are OSErrors.
ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

# Seconds. asyncpg bounds the first two only when it is told to: a connection is waited for, made and
# given back within ACQUIRE_TIMEOUT, and a query is answered within QUERY_TIMEOUT.
ACQUIRE_TIMEOUT = 3
QUERY_TIMEOUT = 5
CLOSE_TIMEOUT = 2

# The same table as the Go API's, so that either can follow the other on one database.
SCHEMA = """
CREATE TABLE IF NOT EXISTS reactions (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    tags         text[] NOT NULL,
    content_type text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
)
"""

# The key of the advisory lock that serializes changes of the schema: any number, the same everywhere.
SCHEMA_LOCK = 0x7265616374  # "react"

COLUMNS = "id, name, tags, content_type, created_at"


class Store:
    """A pool that connects when it is first asked, so that the process starts without its database."""

    def __init__(self, url: str):
        self._url = url

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._url, min_size=0, max_size=10, command_timeout=QUERY_TIMEOUT, init=_ensure_schema
        )

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), CLOSE_TIMEOUT)
        except asyncio.TimeoutError:  # a frozen database must not hold up the shutdown
            self._pool.terminate()

    async def ping(self) -> None:
        async with self._connection() as connection:
            await connection.fetchval("SELECT 1")

    async def create(self, name: str, tags: list[str], content_type: str) -> dict:
        async with self._connection() as connection:
            row = await connection.fetchrow(
                f"INSERT INTO reactions (id, name, tags, content_type) VALUES ($1, $2, $3, $4) RETURNING {COLUMNS}",
                uuid.uuid4(),
                name,
                tags,
                content_type,
            )
        return dict(row)

    async def get(self, reaction: uuid.UUID) -> dict | None:
        async with self._connection() as connection:
            row = await connection.fetchrow(f"SELECT {COLUMNS} FROM reactions WHERE id = $1", reaction)
        return dict(row) if row else None

    async def list(self, limit: int) -> list[dict]:
        async with self._connection() as connection:
            rows = await connection.fetch(
                f"SELECT {COLUMNS} FROM reactions ORDER BY created_at DESC, id LIMIT $1", limit
            )
        return [dict(row) for row in rows]

    @asynccontextmanager
    async def _connection(self):
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection:
            with _given_up(connection):
                yield connection


@contextmanager
def _given_up(connection: asyncpg.Connection):
    """Ends a connection with the query that took too long, or that nobody waits for any more.

    asyncpg would ask the server to cancel the query, and wait for as long as that takes: a frozen
    database never does it.
    """
    try:
        yield
    except (asyncio.CancelledError, asyncio.TimeoutError):
        connection.terminate()
        raise


async def _ensure_schema(connection: asyncpg.Connection) -> None:
    """Runs on each new connection: the database may have been replaced by an empty one."""
    with _given_up(connection):
        if await connection.fetchval("SELECT to_regclass('reactions') IS NOT NULL"):
            return
        # Statements that are sent together are one transaction. IF NOT EXISTS alone is not safe
        # against a second session that creates the same table, hence the lock.
        await connection.execute(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK}); {SCHEMA}")
