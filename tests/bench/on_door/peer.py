"""The same endpoint in the usual way: FastAPI, a pydantic model, and one acknowledged append per request.

``python -m tests.bench.on_door.peer '<plan as JSON>'``. As its documentation shows it, on uvicorn with
httptools and uvloop, one process; the append is ``send_and_wait`` of one idempotent aiokafka producer with
``acks=all``, or one INSERT over a pool of ten connections of asyncpg.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import asyncpg
import msgspec
import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, Field

TOPIC: Final = "peer-raw"
TABLE: Final = "CREATE TABLE IF NOT EXISTS peer_raw (id bigserial PRIMARY KEY, key text, value text NOT NULL)"
_INSERT: Final = "INSERT INTO peer_raw (key, value) VALUES ($1, $2)"
_BASIC: Final = HTTPBasic()

Append = Callable[[str, bytes], Awaitable[Any]]


class PeerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen, the key that opens, and where to append: ``kafka`` if given, else ``postgres``."""

    port: int
    key: str
    kafka: str = ""
    postgres: str = ""


class Track(BaseModel):
    """One track call, as the Segment specification has it."""

    event: str = Field(min_length=1, max_length=200)
    message_id: str = Field(alias="messageId")
    anonymous_id: str | None = Field(None, alias="anonymousId")
    user_id: str | None = Field(None, alias="userId")
    timestamp: datetime | None = None
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    integrations: dict[str, Any] = {}
    received_at: datetime | None = Field(None, alias="receivedAt")


class Success(BaseModel):
    """What an SDK wants to hear."""

    success: bool = True


def build_peer(plan: PeerPlan) -> FastAPI:
    """Return the application."""
    appends: list[Append] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            appends.append(await (_to_kafka(plan, stack) if plan.kafka else _to_postgres(plan, stack)))
            yield

    app = FastAPI(lifespan=lifespan)

    def authenticate(given: Annotated[HTTPBasicCredentials, Depends(_BASIC)]) -> None:
        if given.username != plan.key:
            raise HTTPException(401)

    @app.post("/v1/track", dependencies=[Depends(authenticate)])
    async def track(call: Track) -> Success:
        call.received_at = datetime.now(UTC)
        await appends[0](call.anonymous_id or call.message_id, call.model_dump_json(by_alias=True).encode())
        return Success()

    return app


async def _to_kafka(plan: PeerPlan, stack: AsyncExitStack) -> Append:
    producer = AIOKafkaProducer(bootstrap_servers=plan.kafka, acks="all", enable_idempotence=True)
    await producer.start()
    stack.push_async_callback(producer.stop)

    async def append(key: str, value: bytes) -> None:
        await producer.send_and_wait(TOPIC, value, key=key.encode())

    return append


async def _to_postgres(plan: PeerPlan, stack: AsyncExitStack) -> Append:
    pool = await asyncpg.create_pool(plan.postgres, min_size=10, max_size=10)
    stack.push_async_callback(pool.close)
    await pool.execute(TABLE)

    async def append(key: str, value: bytes) -> None:
        await pool.execute(_INSERT, key, value.decode())

    return append


def main() -> None:
    """Serve until told to stop."""
    plan = msgspec.json.decode(sys.argv[1], type=PeerPlan)
    uvicorn.run(
        build_peer(plan),
        host="127.0.0.1",
        port=plan.port,
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
