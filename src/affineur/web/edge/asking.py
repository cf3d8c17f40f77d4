"""What nginx asks the application about a request for a file, before it sends the file itself (``auth_request``).

It asks where it cannot know: who may read a private index (401 for whom may not, said by `app.PrivateIndex`),
and the keyed hash of a client's address for the request log. The answer has no body: 204, and the hash in a
header. What does not live here: when it asks (`web.edge.configuration`).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from affineur.settings import Settings
from affineur.web.clients import address_of
from affineur.web.requestlog import RequestLog

from .configuration import LOG_ADDRESS_HEADER


async def about_file(request: Request) -> Response:
    """Go ahead; and what the request log keeps of the client's address."""
    settings: Settings = request.app.state.index.settings
    log: RequestLog = request.app.state.log
    peer = request.client.host if request.client else ""
    client = address_of(request.scope["headers"], peer, settings.trusted_proxies)
    return Response(status_code=204, headers={LOG_ADDRESS_HEADER: log.address(client)})
