"""Whether this process lives, and whether it can serve."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from affineur.shell.following import recall
from affineur.shell.index import Index
from affineur.shell.store import journal

from .answers import text


async def live(_: Request) -> Response:
    """The process answers."""
    return text("live")


async def ready(request: Request) -> Response:
    """Database and public tree answer; else 503 with the reason."""
    index: Index = request.app.state.index
    try:
        await asyncio.to_thread(_look, index)
    except Exception as error:  # whatever is wrong is the answer
        return text(f"not ready: {type(error).__name__}", 503)
    followed = await asyncio.to_thread(recall, index.settings)
    if followed is not None and followed.stopped is not None:
        # Still ready: what is shown is good, and stop orders that were read are in force. It is only growing old.
        return text(f"ready, but following stopped: {followed.stopped.rule}")
    return text("ready")


def _look(index: Index) -> None:
    with index.store.read() as connection:
        journal.head(connection)
    index.tree.serial(".root")
