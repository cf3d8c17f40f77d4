"""Where a request really comes from, when proxies stand in front."""

from __future__ import annotations

from starlette.requests import Request

Headers = list[tuple[bytes, bytes]]


def address_of(headers: Headers, peer: str, trusted_proxies: int) -> str:
    """The client's address: the peer's, or what the outermost trusted proxy says of who asked it.

    Each proxy appends the address it was asked from to ``X-Forwarded-For``; only the last ``trusted_proxies``
    entries were written by proxies of ours, the rest is the client's word.
    """
    if trusted_proxies < 1:
        return peer
    said = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    hops = [hop.strip().decode("latin-1") for hop in said.split(b",") if hop.strip()]
    if len(hops) < trusted_proxies:
        return hops[0] if hops else peer
    return hops[-trusted_proxies]


def client_of(request: Request) -> str:
    """The whole address of whoever sends a request: for counting attempts, never for keeping."""
    peer = request.client.host if request.client else ""
    return address_of(request.headers.raw, peer, request.app.state.index.settings.trusted_proxies)
