"""The HTTP interface: routes, what they accept, and what they answer."""

import asyncio
from contextlib import asynccontextmanager
from typing import Literal
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, constr

from app import auth, store
from app.settings import Settings
from app.uploads import Bucket, Key

# Seconds. Shorter than the kubelet's patience, so that the probe gets a reason instead of a timeout.
READY_TIMEOUT = 2


class Login(BaseModel):
    username: str
    password: str


class Draft(BaseModel):
    name: constr(strip_whitespace=True, min_length=1, max_length=100)
    tags: list[constr(strip_whitespace=True, to_lower=True, min_length=1, max_length=32)] = []
    content_type: Literal["image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"]


def create_app(settings: Settings) -> FastAPI:
    owner = auth.Owner(settings.owner_username, settings.owner_password, settings.jwt_secret_key)
    key = Key(settings.s3_access_key_id, settings.s3_secret_access_key, settings.s3_region)
    bucket = Bucket(settings.s3_endpoint_url, settings.s3_bucket_name, key)
    database = store.Store(settings.database_url)
    app = FastAPI(title="reactbin")
    app.state.ending = False  # until the server gets SIGTERM

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        await database.open()
        yield
        await database.close()

    # FastAPI() itself takes a lifespan since 0.93; Debian 12 has 0.92.
    app.router.lifespan_context = lifespan

    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        # The kind of error alone: the drivers' texts quote hosts, users and queries.
        return JSONResponse({"detail": f"database: {type(error).__name__}"}, status_code=503)

    for error in store.ERRORS:
        app.add_exception_handler(error, unavailable)

    bearer = HTTPBearer(auto_error=False)

    def owned(token: HTTPAuthorizationCredentials | None = Depends(bearer)) -> None:
        if token is None or not owner.verifies(token.credentials):
            raise HTTPException(401, "the owner's token is needed", {"WWW-Authenticate": "Bearer"})

    @app.get("/api/v1/health")
    async def health():
        """The process serves requests. It asks nobody else: a restart would not mend a database."""
        return {"status": "ok"}

    @app.get("/api/v1/ready")
    async def ready():
        if app.state.ending:
            raise HTTPException(503, "shutting down")
        await asyncio.wait_for(database.ping(), READY_TIMEOUT)
        return {"status": "ready"}

    @app.post("/api/v1/auth/token")
    async def token(login: Login):
        if not owner.matches(login.username, login.password):
            raise HTTPException(401, "wrong username or password", {"WWW-Authenticate": "Bearer"})
        return {"access_token": owner.token(), "token_type": "bearer", "expires_in": auth.VALIDITY}

    @app.post("/api/v1/reactions", status_code=201, dependencies=[Depends(owned)])
    async def create(draft: Draft):
        if not all(text.isprintable() for text in [draft.name, *draft.tags]):
            raise HTTPException(422, "name and tags must be printable characters")
        tags = sorted(set(draft.tags))
        reaction = await database.create(draft.name, tags, draft.content_type)
        return {**reaction, "upload": bucket.put(_object(reaction), draft.content_type)}

    @app.get("/api/v1/reactions")
    async def list_(limit: int = Query(50, ge=1, le=200)):
        return {"items": await database.list(limit)}

    @app.get("/api/v1/reactions/{reaction_id}")
    async def get(reaction_id: UUID):
        reaction = await database.get(reaction_id)
        if reaction is None:
            raise HTTPException(404, "no such reaction")
        return {**reaction, "image": bucket.get(_object(reaction))}

    return app


def _object(reaction: dict) -> str:
    return f"reactions/{reaction['id']}"
