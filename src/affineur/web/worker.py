"""One serving process: uvicorn over our protocol, hot path and application."""

from __future__ import annotations

import asyncio
import gc
import socket

import uvicorn
from starlette.applications import Starlette

from affineur.settings import Settings
from affineur.shell.index import Index, open_index
from affineur.shell.store import accounts

from . import app
from .identity import FLUSH_SECONDS, Uses
from .protocol import protocol_for
from .requestlog import RequestLog, address_keeper

GRACE_SECONDS = 10
GC_THRESHOLDS = (20_000, 20, 50)
"""Requests leave hardly any cycles: looking for them after each 700 objects, as CPython does, costs uploads 5 %."""


def serve(settings: Settings, listening: socket.socket) -> None:
    """Answer requests on ``listening`` until SIGTERM or SIGINT; requests in progress are finished first."""
    index = open_index(settings)
    log = RequestLog(settings.logs, address_keeper(settings.log_address, _address_key(index)))
    application = app.build(index, log)
    config = uvicorn.Config(
        application,
        http=protocol_for(application.state.hot),
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.trusted_proxies > 0,
        forwarded_allow_ips="*" if settings.trusted_proxies > 0 else None,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    # What is loaded by now lives for ever: keep the collector from walking (and copying, after a fork) it.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_serve(uvicorn.Server(config), listening, application))
    finally:
        application.state.uses.flush()
        log.close()
        index.close()


async def _serve(server: uvicorn.Server, listening: socket.socket, application: Starlette) -> None:
    beside = [
        asyncio.create_task(application.state.meter.keep_folding()),
        asyncio.create_task(_keep_flushing(application.state.uses)),
    ]
    application.state.is_ending = lambda: server.should_exit  # whoever waits for the journal is answered then
    try:
        await server.serve(sockets=[listening])
    finally:
        for task in beside:
            task.cancel()


async def _keep_flushing(uses: Uses) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await asyncio.to_thread(uses.flush)


def _address_key(index: Index) -> bytes:
    if index.settings.log_address != "hash":
        return b""
    with index.store.write() as connection:
        return accounts.shared_secret(connection, "request-log-address")
