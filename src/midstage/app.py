"""The API process: every front on one address, started by any ASGI server that takes a factory."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, MediaType, Response, get
from litestar.datastructures import State
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from midstage.fronts._http.desk import AnyRequest, Desk
from midstage.fronts._http.docs import docs_page
from midstage.fronts._http.limiting import standing_headers
from midstage.fronts._http.openapi import openapi_json
from midstage.fronts._http.problems import EXCEPTION_HANDLERS
from midstage.kit import observability, orphans, sealing
from midstage.kit.database import TRANSIENT, Database
from midstage.kit.ids import new_id
from midstage.kit.settings import Settings, read_settings
from midstage.middle.access import api as access
from midstage.wiring import LATE, ROUTES, connect_outside, disconnect_outside, message_port, subscribers

# A body of 4 MiB holds the largest file of rows that a call takes; more comes as several calls.
MAX_BODY_BYTES = 4 * 1024 * 1024


def create() -> Litestar:
    """The application, from the settings in the environment."""
    orphans.end_with_parent()
    settings = read_settings()
    sealing.open_keys(settings)
    access.use_blocklist(settings.password_blocklist)
    return create_app(settings)


def create_app(settings: Settings, *, database: Database | None = None) -> Litestar:
    """The application on these settings; a test hands it the database it already has."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        observability.configure_logging(settings)
        observability.configure_tracing(settings, service="midstage-api")
        if settings.database_url is None and database is None:
            raise RuntimeError("the API needs MIDSTAGE_DATABASE_URL; midstage serve sets it")
        own = database or await Database.open(
            settings.database_url or "",
            pool_size=settings.pool_size,
            statement_timeout_ms=settings.statement_timeout_ms,
        )
        desk = app.state["desk"] = Desk(
            own,
            settings,
            message_port(settings),
            subscribers=[each.name for each in subscribers()],
            late=list(LATE.values()),
        )
        connect_outside()
        try:
            yield
        finally:
            await desk.notebook.close()
            await disconnect_outside()
            observability.stop_tracing()
            if database is None:
                await own.close()

    return Litestar(
        route_handlers=[healthz, readyz, metrics, docs_page, openapi_json, *ROUTES],
        lifespan=[lifespan],
        openapi_config=None,  # fronts/_http/openapi makes a truer one
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[observed],
        request_max_body_size=MAX_BODY_BYTES,
        state=State({}),
        logging_config=None,
    )


def observed(app: ASGIApp) -> ASGIApp:
    """Give every request an id (or keep the caller's), and measure it by its route rather than by its address."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = _request_id(scope)
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *standing_headers(scope),
                ]
            await send(message)

        route = str(scope.get("path_template") or "")
        with observability.bound(request_id=request_id):
            try:
                await app(scope, receive, sending)
            finally:
                observability.request_took(scope["method"], route, status, time.perf_counter() - begun)

    return middleware


@get("/healthz", media_type=MediaType.TEXT)
async def healthz() -> str:
    """Whether the process answers at all."""
    return "ok"


@get("/readyz", media_type=MediaType.TEXT)
async def readyz(request: AnyRequest) -> Response[str]:
    """Whether the process can do its work: the database answers."""
    desk: Desk = request.app.state["desk"]
    try:
        async with desk.database.connection() as link:
            await link.fetchval("select 1")
    except TRANSIENT as error:
        return Response(f"the database does not answer: {type(error).__name__}", status_code=503)
    return Response("ready")


@get("/metrics")
async def metrics() -> Response[bytes]:
    """What Prometheus reads."""
    return Response(observability.metrics_text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _request_id(scope: Any) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and 0 < len(value) <= 100 and value.isascii():
            return value.decode("ascii")
    return str(new_id())
