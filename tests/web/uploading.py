"""Speaking the upload API by hand: forms exactly as a test wants them, and answers exactly as they came.

Test support, not tests. No HTTP library stands between: the reason phrase is part of the contract, and so is what
happens to a form that no library would send.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tests.core.distributions import sdist, sdist_filename, wheel, wheel_filename
from tests.services.affineur import Server

from affineur.actions import minting
from affineur.core.names import NormalizedName
from affineur.core.people.caveats import ALL_ACTIONS, TokenAction
from affineur.settings import Settings
from affineur.shell.store import Store, accounts, connect, tokens

BOUNDARY = "a-boundary-that-no-file-contains"
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """A response: ``reason`` is the reason phrase, ``headers`` have lower-case names."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class File:
    """A distribution to upload. What the form says of it is right unless a test changes it."""

    data: bytes
    filename: str
    name: str
    version: str

    @property
    def sha256(self) -> str:
        """Lower-case hex."""
        return hashlib.sha256(self.data).hexdigest()

    def fields(self, **changes: str | None) -> list[tuple[str, str]]:
        """The form's fields; ``changes`` replaces, adds or (None) leaves out. ``_action`` stands for ``:action``."""
        is_wheel = self.filename.endswith(".whl")
        fields: dict[str, str | None] = {
            ":action": "file_upload",
            "protocol_version": "1",
            "filetype": "bdist_wheel" if is_wheel else "sdist",
            "pyversion": "py3" if is_wheel else "source",
            "metadata_version": "2.4",
            "name": self.name,
            "version": self.version,
            "sha256_digest": self.sha256,
        }
        fields.update({":action" if name == "_action" else name: value for name, value in changes.items()})
        return [(name, value) for name, value in fields.items() if value is not None]


def a_wheel(name: str, version: str = "1.0", *, tags: str = "py3-none-any", **changes: object) -> File:
    """A sound wheel, but for ``changes`` (see `tests.core.distributions.wheel_members`)."""
    return File(wheel(name, version, **changes), wheel_filename(name, version, tags), name, version)


def an_sdist(name: str, version: str = "1.0", **changes: object) -> File:
    """A sound sdist, but for ``changes``."""
    return File(sdist(name, version, **changes), sdist_filename(name, version), name, version)


def part(name: str, data: bytes, filename: str | None = None, content_type: str | None = None) -> bytes:
    """One part of a form."""
    named = f'; filename="{filename}"' if filename is not None else ""
    typed = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n{typed}\r\n'
    return head.encode() + data + b"\r\n"


def form(fields: Fields, *files: bytes) -> bytes:
    """A whole form: ``fields``, then ``files`` (each made by `part`)."""
    return b"".join([part(name, value.encode()) for name, value in fields] + [*files, f"--{BOUNDARY}--\r\n".encode()])


def form_of(file: File, **changes: str | None) -> bytes:
    """The form that a client would send for ``file``, its fields changed by ``changes``."""
    return form(file.fields(**changes), part("content", file.data, file.filename, "application/octet-stream"))


def basic(user: str, password: str) -> str:
    """An ``Authorization`` header."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def ask(server: Server, method: str, path: str, body: bytes | Iterable[bytes] = b"", **headers: str | None) -> Answer:
    """One request on a connection of its own. Underscores in header names stand for hyphens."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    given = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    try:
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, answer.reason, named, answer.read())
    finally:
        connection.close()


def post(
    server: Server, body: bytes, *, path: str = "/legacy/", token: str | None = None, **headers: str | None
) -> Answer:
    """Post a form as the server's operator, or with ``token``. ``authorization=None`` sends none at all."""
    given: dict[str, str | None] = {
        "content_type": f"multipart/form-data; boundary={BOUNDARY}",
        "authorization": basic("__token__", token or server.token),
    }
    return ask(server, "POST", path, body, **(given | headers))


def upload(server: Server, file: File, *, token: str | None = None, **changes: str | None) -> Answer:
    """Upload ``file`` as a client would, its form changed by ``changes``."""
    return post(server, form_of(file, **changes), token=token)


def published(answer: Answer) -> None:
    """Require that an upload was taken."""
    assert (answer.status, answer.reason) == (200, "OK"), answer.text


def refused(answer: Answer, *parts: str, status: int = 400) -> None:
    """Require a refusal that says ``parts`` in the reason phrase, and the whole of it again in the body."""
    assert answer.status == status, (answer.status, answer.reason, answer.text)
    for each in parts:
        assert each in answer.reason
    assert answer.reason in answer.text.encode("latin-1", "replace").decode("latin-1")  # a status line is latin-1
    assert answer.reason.isprintable()


def page(server: Server, name: str) -> Any:
    """A project's page as JSON; None where it has none."""
    answer = ask(server, "GET", f"/simple/{name}/", accept="application/vnd.pypi.simple.v1+json")
    return answer.json if answer.status == 200 else None


def filenames(server: Server, name: str) -> list[str]:
    """The files on a project's page."""
    found = page(server, name)
    return [file["filename"] for file in found["files"]] if found else []


@contextmanager
def store_of(server: Server, database: str = "") -> Iterator[Store]:
    """The server's own database, for what has no command: ages, limits, removed rows, other people's tokens.

    ``database`` is the URL of a server that has one elsewhere.
    """
    store = connect(Settings(data=server.data, database=database).database_url)
    try:
        yield store
    finally:
        store.close()


def new_token(
    server: Server,
    account: str,
    at: datetime,
    *,
    actions: Collection[TokenAction] = ALL_ACTIONS,
    projects: tuple[str, ...] | None = None,
    lifetime: timedelta | None = None,
    revoked: bool = False,
) -> str:
    """A token of ``account``, which is made (no operator) where it is missing."""
    names = None if projects is None else tuple(NormalizedName(name) for name in projects)
    with store_of(server) as store, store.write() as connection:
        key = accounts.account_id(connection, account)
        if key is None:
            key = accounts.add_account(connection, account, at)
        expires_at = None if lifetime is None else at + lifetime
        made = minting.account_token(
            connection, key, "test", at, actions=actions, projects=names, expires_at=expires_at
        )
        if revoked:
            tokens.revoke(connection, [made.id], at, "a test")
    return made.secret


def left_behind(server: Server, database: str = "") -> list[str]:
    """Everything in the spool, and every blob that no row names."""
    spooled = [path.name for path in (server.data / "spool").iterdir()]
    with store_of(server, database) as store, store.read() as connection:
        rows = connection.exec_driver_sql("SELECT sha256, metadata_sha256 FROM file").all()
    known = {digest for row in rows for digest in row}
    blobs = [path.name for path in (server.data / "blobs").rglob("*") if path.is_file()]
    return spooled + [name for name in blobs if name not in known]


def open_socket(server: Server) -> socket.socket:
    """A plain connection."""
    address = urlsplit(server.url)
    return socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=60)


def request_head(server: Server, length_bytes: int) -> bytes:
    """The head of an upload whose body has ``length_bytes``, as it goes over the wire."""
    return (
        f"POST /legacy/ HTTP/1.1\r\nHost: {urlsplit(server.url).netloc}\r\n"
        f"Authorization: {basic('__token__', server.token)}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length_bytes}\r\n\r\n"
    ).encode()
