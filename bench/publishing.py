"""Uploads as twine sends them: one multipart form a file, one after another over one kept-alive connection.

What does not live here: which server takes them under which address and name (`contestants`).
Source: the legacy upload form (PyPA "Upload API"); multipart bodies (RFC 7578); HTTP Basic (RFC 7617).
"""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Iterable
from dataclasses import dataclass

from bench.dataset import Wheel

_BOUNDARY = "bench-form-boundary-7f3a9c"


@dataclass(frozen=True, slots=True)
class Target:
    """Where uploads go: ``path`` with its slashes, and the name and password of HTTP Basic."""

    port: int
    path: str
    user: str
    password: str


class UploadFailed(Exception):
    """A server did not take a file: its name, the status and the first bytes of the answer."""


def upload_form(wheel: Wheel) -> bytes:
    """The multipart body for ``wheel``: fields first, the file last, as requests-toolbelt writes it."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in wheel.form_fields()
    ]
    parts.append(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{wheel.filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
    )
    return b"".join([*parts, wheel.content, f"\r\n--{_BOUNDARY}--\r\n".encode()])


class Publisher:
    """One kept-alive connection that publishes."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=60)
        credentials = base64.b64encode(f"{target.user}:{target.password}".encode()).decode()
        self._headers = {
            "User-Agent": "twine/6.2.0 CPython/3.11.7",
            "Authorization": f"Basic {credentials}",
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "Accept": "*/*",
        }

    def publish(self, wheel: Wheel, form: bytes | None = None) -> float:
        """Send one file; the seconds from the first byte sent to the last byte of the answer.

        Raises `UploadFailed` for any status but 200 and 201.
        """
        body = upload_form(wheel) if form is None else form
        started = time.perf_counter()
        self._connection.request("POST", self._target.path, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        elapsed_seconds = time.perf_counter() - started
        if answer.status not in (200, 201):
            raise UploadFailed(f"{wheel.filename}: {answer.status} {answer.reason}: {text[:200]!r}")
        return elapsed_seconds

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def publish_all(target: Target, wheels: Iterable[Wheel]) -> list[float]:
    """Publish ``wheels`` one after another; the seconds of each. Forms are built before the clock runs."""
    prepared = [(wheel, upload_form(wheel)) for wheel in wheels]
    publisher = Publisher(target)
    try:
        return [publisher.publish(wheel, form) for wheel, form in prepared]
    finally:
        publisher.close()
