"""Publishing small wheels over HTTP, many and quickly, and reading what an index says of them.

A client of our own beside the real ones (`tests.clients`): it sends exactly one request, and tells an answer from
a connection that broke, which is what crash and concurrency tests are about.
"""

from __future__ import annotations

import hashlib
import http.client
import json
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.core.distributions import wheel, wheel_filename

JSON = "application/vnd.pypi.simple.v1+json"
_BOUNDARY = "----------------------------a-boundary-of-our-own"


@dataclass(frozen=True)
class Wheel:
    """A wheel to publish: ``name`` as its metadata writes it."""

    name: str
    version: str
    tags: str = "py3-none-any"

    @property
    def filename(self) -> str:
        return wheel_filename(self.name, self.version, self.tags)

    @property
    def body(self) -> bytes:
        """Its bytes: different for every name, version and tag."""
        files = {f"{self.name.replace('-', '_')}/__init__.py": f"tags = {self.tags!r}\n".encode()}
        stated = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {self.tags}\n".encode()
        return wheel(self.name, self.version, files=files, wheel_file=stated)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def upload(url: str, token: str, sent: Wheel, timeout_seconds: float = 30) -> tuple[int, str] | None:
    """The answer's status and text; None where the server went away without one."""
    body = sent.body
    fields = {
        ":action": "file_upload", "protocol_version": "1", "metadata_version": "2.4", "name": sent.name,
        "version": sent.version, "filetype": "bdist_wheel", "pyversion": "py3",
        "sha256_digest": hashlib.sha256(body).hexdigest(),
    }  # fmt: skip
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{sent.filename}"\r\n'
    parts += [
        head.encode(),
        b"Content-Type: application/octet-stream\r\n\r\n",
        body,
        f"\r\n--{_BOUNDARY}--\r\n".encode(),
    ]
    headers = {
        "Authorization": "Basic " + b64encode(f"__token__:{token}".encode()).decode(),
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
    }
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_seconds)
    try:
        connection.request("POST", "/legacy/", b"".join(parts), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (ConnectionError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@dataclass(frozen=True)
class Got:
    """An answer to a GET. Header names are lowercase."""

    status: int
    headers: dict[str, str]
    body: bytes


class Reader:
    """A client that keeps its connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)

    def get(self, path: str, method: str = "GET", **headers: str) -> Got:
        """``headers`` are given with underscores for hyphens."""
        self._connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = self._connection.getresponse()
        return Got(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def page(self, name: str) -> dict[str, object] | None:
        """The JSON page of a project; None where there is none."""
        got = self.get(f"/simple/{name}/", accept=JSON)
        assert got.status in {200, 404}, got
        return json.loads(got.body) if got.status == 200 else None

    def close(self) -> None:
        self._connection.close()
