"""The peer that is built for speed: FastAPI, pydantic, asyncpg, uvloop and httptools.

It follows best practice: the raw body is verified, pydantic's core validates it as bytes, and one
prepared statement writes the job and the body, in one round trip and one commit.
`python -m bench.peers.fastapi_asyncpg` makes the table.
"""

import asyncio
import base64
import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import asyncpg
from fastapi import FastAPI, Request, Response
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

_TOKEN = os.environ["TWILIO_AUTH_TOKEN"].encode()
_PUBLIC_URL = os.environ["PUBLIC_URL"]

_TABLE = """
CREATE TABLE transcriptions (
    id text PRIMARY KEY,
    account_id text NOT NULL,
    status text NOT NULL,
    configuration_id text,
    source_id text,
    duration integer,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    sha256 bytea NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX ON transcriptions (created_at, id);
CREATE INDEX ON transcriptions (status, created_at, id);
"""
_RECORD = """
INSERT INTO transcriptions AS t (
    id, account_id, status, configuration_id, source_id, duration, created_at, updated_at,
    sha256, body
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET
    status = EXCLUDED.status, configuration_id = EXCLUDED.configuration_id,
    source_id = EXCLUDED.source_id, duration = EXCLUDED.duration,
    created_at = EXCLUDED.created_at, updated_at = EXCLUDED.updated_at,
    sha256 = EXCLUDED.sha256, body = EXCLUDED.body
WHERE EXCLUDED.updated_at > t.updated_at
"""

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class Participant(BaseModel):
    """Who speaks."""

    audio_channel_index: Annotated[int, Field(alias="audioChannelIndex")]
    type: Literal["CUSTOMER", "HUMAN_AGENT", "AI_AGENT"] | None = None
    name: str | None = None
    address: str | None = None


class Sentence(BaseModel):
    """What is said."""

    audio_channel_index: Annotated[int, Field(alias="audioChannelIndex")]
    sentence_index: Annotated[int, Field(alias="sentenceIndex")]
    participant_index: Annotated[int | None, Field(alias="participantIndex")] = None
    start_time_seconds: Annotated[float | None, Field(alias="startTimeSeconds")] = None
    text: str


class Callback(BaseModel):
    """The callback."""

    id: Id
    account_id: Annotated[Id, Field(alias="accountId")]
    status: str
    configuration_id: Annotated[Id | None, Field(alias="transcriptionConfigurationId")] = None
    source_id: Annotated[Id | None, Field(alias="sourceId")] = None
    duration: int | None = None
    participants: list[Participant]
    sentences: list[Sentence]
    created_at: Annotated[AwareDatetime, Field(alias="createdAt")]
    updated_at: Annotated[AwareDatetime, Field(alias="updatedAt")]


async def _leave_as_it_is(_connection: object) -> None:
    """Skip the reset of a connection, a round trip: one statement leaves nothing to reset."""


@asynccontextmanager
async def _pool(app: FastAPI) -> AsyncIterator[None]:
    pool = asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=10, max_size=10, reset=_leave_as_it_is
    )
    async with pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_pool, openapi_url=None)


def _verified(request: Request, body: bytes) -> str | None:
    """Return the body's hash if the URL is signed and contains it."""
    url = f"{_PUBLIC_URL}{request.url.path}?{request.url.query}"
    signature = base64.b64encode(hmac.digest(_TOKEN, url.encode(), "sha1")).decode()
    digest = hashlib.sha256(body).hexdigest()
    signed = hmac.compare_digest(signature, request.headers.get("x-twilio-signature", ""))

    return digest if signed and request.query_params.get("bodySHA256") == digest else None


@app.post("/callbacks/transcription")
async def receive(request: Request) -> Response:
    """Receive a callback."""
    body = await request.body()
    digest = _verified(request, body)
    if digest is None:
        return Response(status_code=403)
    try:
        job = Callback.model_validate_json(body)
    except ValidationError:
        return Response(status_code=400)
    await request.app.state.pool.execute(
        _RECORD, job.id, job.account_id, job.status.upper(), job.configuration_id, job.source_id,
        job.duration, job.created_at, job.updated_at, bytes.fromhex(digest), body,
    )  # fmt: skip

    return Response(status_code=204)


@app.get("/healthz")
async def healthz() -> str:
    """Report that the process is up."""
    return "ok"


async def _make_table() -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(_TABLE)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(_make_table())
