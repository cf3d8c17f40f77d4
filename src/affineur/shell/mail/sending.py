"""Handing messages to a mail server (SMTP, RFC 5321), and what its answers mean for a message.

What does not live here: when a message is tried again (`shell.store.outbox`). smtplib and not an asynchronous
client: mail is sent by one thread of the background process, which has nothing else to do while it waits.
"""

from __future__ import annotations

import ipaddress
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Literal
from urllib.parse import unquote, urlsplit

from affineur.settings import SettingsError

TIMEOUT_SECONDS = 30.0
"""How long a server may keep silent. RFC 5321 §4.5.3.2 allows it minutes; then it is simply tried again."""

Result = Literal["sent", "later", "away", "never"]
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, as the setting `mail_server` names it."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message.

    ``later``: this one is to be tried again. ``away``: the server cannot be used at all at the moment, which says
    nothing about this message. ``never``: refused for good; ``bad_address`` where because there is no such mailbox.
    """

    result: Result
    said: str = ""
    bad_address: bool = False


def parse_server(text: str) -> Server | None:
    """The server that ``text`` names; None for an empty text. Raises `SettingsError`, which shows no password.

    ``smtps://`` is TLS from the start (RFC 8314), ``smtp+starttls://`` demands STARTTLS, ``smtp://`` is plain. But
    a password is never sent in the clear to another machine: ``smtp://`` with a user demands STARTTLS as well.
    """
    if not text:
        return None
    unfit = SettingsError(
        "mail_server does not fit: write smtp://host, smtp+starttls://user:password@host:587 or "
        "smtps://user:password@host (in user and password, write / as %2F, @ as %40, : as %3A)."
    )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise unfit from None  # its own words would hold the password
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise unfit
    security: Literal["none", "starttls", "tls"] = "none"
    if parts.scheme == "smtps":
        security = "tls"
    elif parts.scheme == "smtp+starttls" or (parts.username and not _is_here(parts.hostname)):
        security = "starttls"
    return Server(
        parts.hostname,
        port or _PORTS[parts.scheme],
        security,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


class Line:
    """A connection to ``server``, opened when first needed and kept for the messages that follow.

    ``hostname`` is the name it says hello with. Use as a context manager.
    """

    def __init__(self, server: Server, hostname: str) -> None:
        self._server = server
        self._hostname = hostname
        self._open: smtplib.SMTP | None = None

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._open is not None:
            try:
                self._open.quit()
            except (smtplib.SMTPException, OSError):
                self._open.close()

    def deliver(self, message: EmailMessage, sender: str, recipient: str) -> Outcome:
        """Hand ``message`` over. Never raises for anything that the network or the server does."""
        try:
            line = self._line()
        except (smtplib.SMTPException, OSError) as error:  # a wrong password, a wrong certificate, nobody there
            self._open = None
            return Outcome("away", _words(error))
        try:
            line.send_message(message, sender, [recipient])
        except smtplib.SMTPRecipientsRefused as error:
            return _about_recipient(*next(iter(error.recipients.values())))
        except smtplib.SMTPDataError as error:
            return Outcome("never" if error.smtp_code >= 500 else "later", _words(error))
        except (smtplib.SMTPNotSupportedError, UnicodeError) as error:  # an address outside ASCII, RFC 6531
            return Outcome("never", _words(error), bad_address=True)
        except (smtplib.SMTPException, OSError) as error:
            # The sender's address refused is here as well: that is the operator's to mend, not a fault of this mail.
            self._open = None
            return Outcome("away", _words(error))
        return Outcome("sent")

    def _line(self) -> smtplib.SMTP:
        if self._open is not None and _still_answers(self._open):
            return self._open
        self._open = _connected(self._server, self._hostname)
        return self._open


def _connected(server: Server, hostname: str) -> smtplib.SMTP:
    # The hello name is given because smtplib would ask the DNS for this machine's, which may take seconds.
    line: smtplib.SMTP
    if server.security == "tls":
        line = smtplib.SMTP_SSL(
            server.host, server.port, hostname, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
    else:
        line = smtplib.SMTP(server.host, server.port, hostname, TIMEOUT_SECONDS)
    try:
        if server.security == "starttls":
            line.starttls(context=ssl.create_default_context())
        if server.user:
            line.login(server.user, server.password)
    except BaseException:
        line.close()
        raise
    return line


def _still_answers(line: smtplib.SMTP) -> bool:
    """Whether a line that was used before is still up: many servers end one after a number of messages."""
    try:
        return line.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _about_recipient(code: int, text: bytes) -> Outcome:
    said = _printable(f"{code} {text.decode('utf-8', 'replace')}")
    if code < 500:
        return Outcome("later", said)
    # RFC 3463: 5.1.x and 5.2.x are about the mailbox; 5.7.x is about us (not allowed to relay, on a block list), and
    # must not mark an address as bad. Without an enhanced code, RFC 5321 §4.2.3 has these three for mailboxes.
    enhanced = re.match(rb"\s*5\.(\d+)\.\d+", text)
    bad = enhanced.group(1) in (b"1", b"2") if enhanced else code in (550, 551, 553)
    return Outcome("never", said, bad_address=bad)


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return _printable(f"{error.smtp_code} {text}")
    return _printable(f"{type(error).__name__}: {error}")


def _printable(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:300]


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
