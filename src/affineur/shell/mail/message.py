"""The envelope: a rendered letter as a message with its headers (RFC 5322, RFC 3834).

What does not live here: what the letter says (`rendering`) and how it is sent (`sending`).
"""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from urllib.parse import urlsplit

from affineur.settings import Settings, SettingsError

from .letters import UnfitMail, require_address
from .rendering import Rendered


def sender(settings: Settings) -> Address:
    """Whom mail comes from (`mail_from`: ``index@example.org`` or ``Index <index@example.org>``).

    Without it, ``index@`` and the host of `base_url`. Raises `SettingsError` where there is neither, or where it is
    not one address.
    """
    given = settings.mail_from or f"index@{urlsplit(settings.base_url).hostname or ''}"
    found = getaddresses([given])
    name, address = found[0] if len(found) == 1 and given.isprintable() else ("", "")
    try:
        require_address(address)
        return Address(name or settings.index_name, addr_spec=address)
    except (ValueError, UnfitMail) as error:
        raise SettingsError(
            f"mail_from = {settings.mail_from!r} does not fit: it must be an address such as index@example.org; "
            "it may be empty where `base_url` is set."
        ) from error


def identifier(number: int | None, created_at: datetime, of: Address) -> str:
    """The Message-ID: the same each time the same row is sent, so that a mail sent twice is known as one."""
    unique = f"{number or 0}.{int(created_at.timestamp() * 1_000_000)}"
    return f"<affineur.{unique}@{of.domain}>"


def compose(
    letter: Rendered,
    of: Address,
    to_address: str,
    contact: str,
    *,
    message_id: str,
    at: datetime,
) -> EmailMessage:
    """The message from ``of`` to ``to_address``; answers go to ``contact`` where that is an address.

    Raises ValueError where a header would hold a line break: none can, by `rendering` and `letters`, so this is
    the second lock on that door.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = of
    message["To"] = _recipient(to_address)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no holiday notes in answer, please
    message["X-Auto-Response-Suppress"] = "All"  # the same for those servers that look for this instead
    if "@" in contact and "://" not in contact:
        message["Reply-To"] = _recipient(contact)
    message.set_content(letter.text, cte="quoted-printable")  # readable as it is, and in logs of mail servers
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return message


def _recipient(address: str) -> Address | str:
    if not address.isascii():
        return address  # the parser of `Address` refuses it; `letters.require_address` has looked at its form
    return Address(addr_spec=address)
