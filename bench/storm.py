"""A storm of sign-ins: 50 browsers that try names and passwords, half of them right, each time from another address.

Run as a program beside what is measured: ``python -m bench.storm PORT`` until it is ended. The server has to believe
``X-Forwarded-For`` (``trusted_proxies``): from a single address it would stop listening after a few attempts, and
there would be no storm. On SIGTERM it says how many were answered with which status.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import sys
from collections import Counter
from urllib.parse import urlencode

from bench.crowd import PASSWORD, SMALL

CLIENTS = 50
PAUSE_SECONDS = 0.25
"""Between two attempts of a browser: 200 a second in all, or 17 million a day. Without one, what is measured is a
flood of requests, of whatever kind, sharing two cores with the readers."""


async def _browse(port: int, number: int, seen: Counter[int]) -> None:
    chance = random.Random(number)
    for turn in itertools.count():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(_request(chance, right=turn % 2 == 0))
            head = await reader.readuntil(b"\r\n")
            seen[int(head.split()[1])] += 1
            await reader.read()
        finally:
            writer.close()
        await asyncio.sleep(PAUSE_SECONDS)


def _request(chance: random.Random, *, right: bool) -> bytes:
    name = f"person-{chance.randrange(1, SMALL.people)}"
    body = urlencode({"name": name, "password": PASSWORD if right else f"wrong {chance.random()}"}).encode()
    address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
    head = (
        "POST /account/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nX-Forwarded-For: {address}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _storm(port: int) -> Counter[int]:
    seen: Counter[int] = Counter()
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    browsers = [asyncio.create_task(_browse(port, number, seen)) for number in range(CLIENTS)]
    await done.wait()
    for browser in browsers:
        browser.cancel()
    await asyncio.gather(*browsers, return_exceptions=True)
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_storm(int(sys.argv[1])))))
