"""Networks: what is left of a client's address, and of that in turn after its day.

What does not live here: what the request log keeps (`web.requestlog`), and the salts (`shell.store.lake`).
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import re

MAXIMUM_LENGTH = 64
"""Characters of an address, or of a hash of one."""
IPV4_PREFIX, IPV6_PREFIX = 24, 48
NETWORK_DAYS = 7
"""Days after which the networks of a day are forgotten: its salt, and what was made with it."""
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"({_OCTET}\.{_OCTET}\.{_OCTET}\.){_OCTET}\Z", re.ASCII)


def shorten(client: str) -> str:
    """The network of an address: IPv4 /24, IPv6 /48; empty for what is no address."""
    if plain := _IPV4.match(client):  # most are; the library takes ten times as long
        return plain[1] + "0"
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(client)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        prefix = IPV4_PREFIX if address.version == 4 else IPV6_PREFIX
        return str(ipaddress.ip_network((address, prefix), strict=False).network_address)
    return ""


def network_hash(address: str, salt: bytes) -> int | None:
    """64 bits of keyed BLAKE2b (RFC 7693) over the network of ``address``; None where the log has none.

    What is no address is a hash of one already, and is taken as it is. Who does not have the ``salt`` (at most 64
    bytes) can neither go back from the hash, nor compare networks of two days.
    """
    network = shorten(address) or address[:MAXIMUM_LENGTH]
    if not network or network == "-":
        return None
    hashed = hashlib.blake2b(network.encode("utf-8", "replace"), digest_size=8, key=salt)
    return int.from_bytes(hashed.digest(), "big")
