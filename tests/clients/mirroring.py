"""Mirrors on top of an index: bandersnatch, which copies it, and devpi, which follows it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.keeper import accepts_connections, free_ports

from .runner import Index, Outcome, program, run, succeeded

_READY_WITHIN_SECONDS = 60


def mirror_with_bandersnatch(index: Index, folder: Path) -> Outcome:
    """Copy the whole index into ``folder/mirror/web`` (simple pages in every form, JSON, files, metadata).

    The exit status says little: bandersnatch is content with an empty mirror. Look at what it copied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "bandersnatch.conf"
    configuration.write_text(
        f"""\
[mirror]
directory = {folder / "mirror"}
master = {index.url.rstrip("/")}
allow-non-https = true
json = true
release-files = true
core-metadata = true
simple-format = ALL
compare-method = hash
hash-index = false
stop-on-error = true
timeout = 10
global-timeout = 60
workers = 2
verifiers = 2
"""
    )
    return run(
        [program("bandersnatch", "bandersnatch"), "-c", configuration, "mirror"], home=folder, index=index,
        # bandersnatch takes a proxy for every host, NO_PROXY or not; its configuration names its one host.
        environment=dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), ""),
    )  # fmt: skip


@contextmanager
def devpi_mirror(index: Index, folder: Path) -> Iterator[Index]:
    """A devpi server whose index ``root/above`` mirrors ``index``; pip can be pointed at what is yielded."""
    data = folder / "devpi"
    succeeded(run([program("devpi", "devpi-init"), "--serverdir", data, "--no-root-pypi"], home=folder, index=index))
    (port,) = free_ports(1)
    with (folder / "devpi.log").open("w") as log:
        server = subprocess.Popen(
            [program("devpi", "devpi-server"), "--serverdir", data,
             "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"HOME": str(folder), "NO_PROXY": "*"},
        )  # fmt: skip
    try:
        _wait_until_open(port, server, folder / "devpi.log")
        url = f"http://127.0.0.1:{port}/"
        devpi = program("devpi", "devpi")
        for command in (
            ["use", url],
            ["login", "root", "--password", ""],
            ["index", "-c", "root/above", "type=mirror", f"mirror_url={index.simple_url}"],
        ):
            succeeded(run([devpi, *command], home=folder, index=index))
        yield _DevpiIndex(f"{url}root/above/")
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


class _DevpiIndex(Index):
    """devpi serves the simple API under its own name."""

    @property
    def simple_url(self) -> str:
        return f"{self.url}+simple/"


def _wait_until_open(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not accepts_connections(port):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"devpi-server did not get ready. It said:\n{log.read_text()[-4000:]}")
        time.sleep(0.1)
