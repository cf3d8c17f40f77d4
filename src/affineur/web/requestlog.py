"""The request log: one JSON line for each file that was asked for, appended to ``logs/requests-<day>.jsonl``.

A later part counts downloads from it, so both serving modes write the same fields; `web.edge` builds nginx's
format from `FIELDS`. Written straight to the file, unbuffered: a line is either there whole or not at all, and
several processes append to one file without mixing (POSIX ``O_APPEND``; lines are far below 4 KiB).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import orjson

from affineur.core.downloads.networks import shorten

FIELDS = ("time", "project", "version", "file", "user_agent", "address", "country", "bytes", "status")
MAXIMUM_USER_AGENT = 512
MAXIMUM_ADDRESS = 64
MAXIMUM_COUNTRY = 8

log = logging.getLogger(__name__)

_DAY_SECONDS = 86_400


class RequestLog:
    """An open log. One per process. ``address`` shortens, hashes or drops what it is given."""

    def __init__(self, folder: Path, address: Callable[[str], str]) -> None:
        self._folder = folder
        self._address = address
        self._day = -1
        self._fd = -1
        self._second = self._complained = -1
        self._stamp = ""

    def write(
        self,
        project: str,
        version: str,
        filename: str,
        user_agent: str,
        client: str,
        country: str,
        size_bytes: int,
        status: int,
    ) -> None:
        """Append one line. Cost: one system call, about 5 µs."""
        now = time.time()
        if int(now) != self._second:
            self._turn(int(now))
        line = orjson.dumps(
            {
                "time": f"{self._stamp}+00:00",
                "project": project,
                "version": version,
                "file": filename,
                "user_agent": user_agent[:MAXIMUM_USER_AGENT],
                "address": self._address(client[:MAXIMUM_ADDRESS]),
                "country": country[:MAXIMUM_COUNTRY],
                "bytes": size_bytes,
                "status": status,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        try:
            os.write(self._fd, line)
        except OSError as error:  # a full disk must not keep anybody from downloading
            self._complain(int(now), error)

    def address(self, client: str) -> str:
        """What the log keeps of a client's address."""
        return self._address(client)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._day = -1

    def _complain(self, second: int, error: OSError) -> None:
        """Say once a minute that lines are lost."""
        if second - self._complained >= 60:
            self._complained = second
            log.error("requests are not logged", extra={"reason": str(error)})

    def _turn(self, second: int) -> None:
        self._second = second
        self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        day = second // _DAY_SECONDS
        if day != self._day:
            self.close()
            self._day = day
            path = self._folder / f"requests-{self._stamp[:10]}.jsonl"
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def address_keeper(kind: Literal["shorten", "hash", "full", "none"], key: bytes) -> Callable[[str], str]:
    """What is kept of a client's address.

    ``shorten``: the network (IPv4 /24, IPv6 /48). ``hash``: a keyed hash of that network, so that equal ones can be
    counted and none can be found out. Results are remembered for the busiest few thousand addresses.
    """
    if kind == "full":
        return lambda client: client
    if kind == "none":
        return lambda client: ""
    remembered: dict[str, str] = {}

    def keep(client: str) -> str:
        found = remembered.get(client)
        if found is None:
            if len(remembered) > 4096:
                remembered.clear()
            found = shorten(client)
            if kind == "hash" and found:
                found = hmac.new(key, found.encode(), hashlib.sha256).hexdigest()[:16]
            remembered[client] = found
        return found

    return keep
