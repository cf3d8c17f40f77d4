"""Addresses in metadata: what a link or an e-mail address must look like to be shown.

What does not live here: whether anybody answers there.
Sources: RFC 3986; RFC 5322 as far as metadata uses it (names, angle brackets, commas).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MAXIMUM_URI_LENGTH = 4096

_NOT_IN_URI = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}]")
_QUOTED_PART = re.compile(r'"[^"]*"')
_ANGLED = re.compile(r"<([^<>]*)>")
_ADDRESS = re.compile(r"[^@\s<>,]{1,64}@[^@\s<>,]{1,255}\Z")


def is_web_address(text: str) -> bool:
    """Whether ``text`` is an absolute http or https URI. Others are not linked: ``javascript:`` is one."""
    if len(text) > MAXIMUM_URI_LENGTH or _NOT_IN_URI.search(text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False


def are_email_addresses(text: str) -> bool:
    """Whether ``text`` is ``a@b``, ``Name <a@b>``, or several of them joined by commas.

    `email.utils.getaddresses` is not used: it recurses into nested comments, and reads the comma of an
    unquoted ``Doe, J. <j@example.org>`` as the end of an address.
    """
    bare = _QUOTED_PART.sub("", text)
    addresses = _ANGLED.findall(bare) or [part for part in bare.split(",") if part.strip()]
    return bool(addresses) and all(_ADDRESS.match(address.strip()) for address in addresses)
