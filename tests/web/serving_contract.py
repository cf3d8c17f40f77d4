"""One index, served in both modes at once: what one of them answers, the other has to answer too.

Test support, not tests. Both servers work on one data folder, so pages, validators and files are the same bytes.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.core.distributions import core_metadata
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.uploading import Answer, File, a_wheel, an_sdist, form_of, post

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
LARGE = random.Random(7).randbytes(600_000)
"""Contents that make a file larger than Python sends at once."""

SMALL_FILE = "/packages/cheddar/1.0/cheddar-1.0-py3-none-any.whl"
LARGE_FILE = "/packages/wheel-of-cheese/1.0/wheel_of_cheese-1.0-py3-none-any.whl"
LOCAL_FILE = "/packages/cheddar/2.0+aged/cheddar-2.0+aged-py3-none-any.whl"

COMPARED = (
    "content-type",
    "content-length",
    "content-encoding",
    "content-range",
    "etag",
    "last-modified",
    "cache-control",
    "vary",
    "location",
    "allow",
    "reason",
    "www-authenticate",
    "x-content-type-options",
    "content-security-policy",
    "x-pypi-last-serial",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
)
"""Headers that mean something to a client. The one difference: see `seen`."""


@dataclass(frozen=True)
class Pair:
    """The same index in both modes."""

    python: Server
    edge: Server

    def of(self, mode: str) -> Server:
        """One of them by its name."""
        return self.python if mode == "python" else self.edge


def projects() -> list[File]:
    """What is published: one page without and one with a gzip twin, a large file, an sdist, an awkward name."""
    needs = core_metadata("gouda", "1.0", [("Requires-Python", ">=3.8,<4")])
    return [
        a_wheel("cheddar"),
        a_wheel("cheddar", "2.0+aged"),
        *(a_wheel("gouda", f"{number}.0") for number in range(2, 12)),
        a_wheel("gouda", metadata=needs),
        an_sdist("gouda"),
        a_wheel("wheel-of-cheese", files={"wheel_of_cheese/__init__.py": b"", "wheel_of_cheese/big.txt": LARGE}),
        a_wheel("Old.Rind", "1.0"),
    ]  # fmt: skip


@contextmanager
def both_modes(
    data: Path, environment: Mapping[str, str] | None = None, commands: Sequence[Sequence[str]] = ()
) -> Iterator[Pair]:
    """Serve a new index, with `projects` published and ``commands`` run on it, in both modes.

    Its folder is copied once all is done, so that both serve the same bytes with the same times.
    """
    given = {"AFFINEUR_ALLOW_LOCAL_VERSIONS": "true", "AFFINEUR_RELEASE_WINDOW_DAYS": "0", **(environment or {})}
    token = initialise(data, given)
    with serve(data, token, mode="edge", environment=given) as server:
        for file in projects():
            answer = post(server, form_of(file))
            assert answer.status == 200, answer
        for command in commands:
            run(server, *command)
        wait_for_root(server)
    twin = data.with_name(f"{data.name}-twin")
    shutil.copytree(data, twin, symlinks=True, ignore=shutil.ignore_patterns("run", "logs"))
    with (
        serve(data, token, mode="python", environment=given) as python,
        serve(twin, token, mode="edge", environment=given) as edge,
    ):
        yield Pair(python, edge)


def wait_for_root(server: Server) -> None:
    """Wait until the root list is that of the journal's last entry."""
    deadline = time.monotonic() + 20
    while any(json.loads(run(server, "status", "--json"))["behind"].values()):
        assert time.monotonic() < deadline, "the root list stays behind"
        time.sleep(0.1)


def seen(answer: Answer, path: str) -> dict[str, object]:
    """What a client sees of an answer, as far as it has to be the same in both modes.

    The one difference, stated in `docs/how-to/nginx.md`: nginx sends project pages without X-PyPI-Last-Serial.
    """
    headers = {name: answer.headers[name] for name in COMPARED if name in answer.headers}
    if re.fullmatch(r"/simple/[^/?]+/?(\?.*)?", path):
        headers.pop("x-pypi-last-serial", None)
    if "allow" in headers:
        headers["allow"] = ", ".join(sorted(headers["allow"].split(", ")))
    if answer.status in (400, 416):
        # nginx has added what belongs to the file by the time it finds the range wanting.
        headers = {name: headers[name] for name in ("content-type", "content-length") if name in headers}
        headers |= {"content-range": answer.headers.get("content-range")} if answer.status == 416 else {}
    body = answer.body
    if headers.get("content-type", "").startswith("multipart/byteranges"):
        boundary = headers["content-type"].rpartition("boundary=")[2].strip('"').encode()
        body = re.sub(rb"\s+", b" ", body.replace(boundary, b"BOUNDARY")).strip().lower()
        headers |= {"content-type": "multipart/byteranges", "content-length": "-"}
    return {"status": answer.status, "headers": headers, "body": body}


def ask_raw(server: Server, path: str) -> tuple[int, bytes]:
    """Status and body of the answer to a path that no HTTP library would send."""
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), address.port), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def lines_of(data: Path, agent: str, count: int) -> list[dict[str, object]]:
    """The request log's lines with ``agent``, once there are ``count`` of them (or a second has passed)."""
    deadline = time.monotonic() + 5
    while True:
        text = b"".join(path.read_bytes() for path in sorted((data / "logs").glob("requests-*.jsonl")))
        lines = [json.loads(line) for line in text.splitlines()]
        found = [line for line in lines if line["user_agent"] == agent]
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def run(server: Server, *arguments: str) -> str:
    """One command of the program on a server's data folder."""
    return affineur(*arguments, "--data", server.data)
