"""A real SMTP server for tests: it keeps what it is given, and can be told to refuse.

`open_post_office` gives a plain one; with a certificate it offers STARTTLS, and takes mail only from whoever
has signed in (`USER`, `PASSWORD`) over it. It runs in a thread of the test's own process, on 127.0.0.1.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from time import monotonic
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from .certificates import Certificate
from .keeper import free_ports

USER, PASSWORD = "affineur", "a password for mail"
Stage = Literal["sender", "recipient", "data"]


@dataclass(frozen=True)
class Message:
    """A message that was accepted, with its envelope and how it came."""

    sender: str
    recipients: tuple[str, ...]
    content: EmailMessage
    encrypted: bool
    signed_in_as: str | None

    @property
    def subject(self) -> str:
        return str(self.content["Subject"])

    @property
    def text(self) -> str:
        """The body for people who read plain text; empty where there is none."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The body for people who read HTML; empty where there is none."""
        return self._body("html")

    @property
    def links(self) -> list[str]:
        """Every http address in the plain text or, where there is none, in the HTML, in order."""
        return re.findall(r"https?://[^\s<>\"']+", self.text or unescape(self.html))

    def _body(self, kind: Literal["plain", "html"]) -> str:
        part = self.content.get_body((kind,))
        return str(part.get_content()) if part else ""


class PostOffice:
    """The server: ``host``, ``port``, ``certificate`` where it speaks TLS, and the messages it took."""

    def __init__(self, port: int, certificate: Certificate | None = None) -> None:
        self.host, self.port, self.certificate = "127.0.0.1", port, certificate
        self._taken: list[Message] = []
        self._changed = threading.Condition()
        self._refusal: tuple[Stage, str] | None = None
        self.refusals = 0
        """How many times something was refused because `refuse` said so."""

    def messages(self, to: str | None = None) -> list[Message]:
        """What was taken, oldest first; with ``to``, only what was addressed to it in the envelope."""
        with self._changed:
            return [one for one in self._taken if to is None or to in one.recipients]

    def wait_for(self, to: str, subject_part: str = "", timeout: float = 10) -> Message:
        """The newest message to ``to`` whose subject contains ``subject_part``, as soon as there is one.

        AssertionError, with the subjects that did come, after ``timeout`` seconds.
        """
        deadline = monotonic() + timeout
        with self._changed:
            while True:
                for one in reversed(self._taken):
                    if to in one.recipients and subject_part in one.subject:
                        return one
                if not self._changed.wait(max(deadline - monotonic(), 0)) and monotonic() >= deadline:
                    came = [(one.recipients, one.subject) for one in self._taken]
                    raise AssertionError(f"no message to {to} about {subject_part!r} within {timeout} s; came: {came}")

    def forget(self) -> None:
        """Drop the messages taken so far."""
        with self._changed:
            self._taken.clear()

    @contextmanager
    def refuse(self, reply: str = "451 4.3.0 Come back later", *, at: Stage = "data") -> Iterator[None]:
        """Answer ``reply`` (``4xx …`` for now, ``5xx …`` for good) at one stage, until the block ends."""
        self._refusal = (at, reply)
        try:
            yield
        finally:
            self._refusal = None

    # What follows is called by aiosmtpd, which gives these names.

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str,
                          options: list[str]) -> str:  # fmt: skip
        if refused := self._refused_at("sender"):
            return refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str,
                          options: list[str]) -> str:  # fmt: skip
        if refused := self._refused_at("recipient"):
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if refused := self._refused_at("data"):
            return refused
        raw = envelope.content
        assert isinstance(raw, bytes)
        user = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None
        content = message_from_bytes(raw, policy=default)
        assert isinstance(content, EmailMessage)
        message = Message(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, session.ssl is not None, user)
        with self._changed:
            self._taken.append(message)
            self._changed.notify_all()
        return "250 OK"

    def _refused_at(self, stage: Stage) -> str | None:
        if self._refusal is None or self._refusal[0] != stage:
            return None
        self.refusals += 1
        return self._refusal[1]


@contextmanager
def open_post_office(certificate: Certificate | None = None) -> Iterator[PostOffice]:
    """A server until the block ends; with ``certificate``, STARTTLS and signing in are required."""
    office = PostOffice(free_ports(1)[0], certificate)
    secure: dict[str, Any] = (
        {
            "tls_context": certificate.for_server(),
            "require_starttls": True,
            "authenticator": _authenticate,
            "auth_required": True,
        }
        if certificate
        else {}
    )
    controller = Controller(office, hostname=office.host, port=office.port, ready_timeout=20, **secure)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False, auth_data=data)
