"""Load on one address: runs wrk, and believes its figure only when every answer was whole."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# wrk hands its totals to `done`; a line of JSON is easier to trust than its prose. A callback for each
# response would slow wrk itself down, so bodies are judged by their total size.
_REPORT = """
done = function(summary, latency, requests)
  io.write(string.format(
    '\\nRESULT {"requests":%d,"bytes":%d,"microseconds":%d,"failed":%d,"p50_us":%d,"p99_us":%d}\\n',
    summary.requests, summary.bytes, summary.duration,
    summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.status + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


class NotBelieved(Exception):
    """Answers failed or were shorter than the checked one; says which."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw."""

    requests: int
    bytes_received: int
    seconds: float
    p50_us: int
    p99_us: int

    @property
    def requests_per_second(self) -> float:
        """Answered requests a second."""
        return self.requests / self.seconds

    @property
    def megabytes_per_second(self) -> float:
        """Received bytes a second, headers included, in MB (10^6)."""
        return self.bytes_received / self.seconds / 1e6


def wrk_program() -> str:
    """The path of wrk; `FileNotFoundError` that says how to get it."""
    found = shutil.which("wrk")
    if found is None:
        raise FileNotFoundError("wrk is not installed: run scripts/install-system-packages wrk.")
    return found


def put_load(
    port: int, path: str, headers: Mapping[str, str], *, seconds: int, connections: int, body_bytes: int
) -> Load:
    """Ask for one address with ``connections`` kept-alive connections for ``seconds``.

    Two threads: with one, wrk is the bottleneck before nginx is, and everything looks as fast as nginx.

    Raises `NotBelieved` when an answer failed, or when fewer bytes came than ``body_bytes`` for each answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "report.lua")
        script.write_text(_REPORT)
        command = [wrk_program(), "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        command += ["-s", str(script), f"http://127.0.0.1:{port}{path}"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    line = next((line for line in run.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise NotBelieved(f"wrk reported nothing: {run.stdout[-300:]} {run.stderr[-300:]}")
    seen = json.loads(line.removeprefix("RESULT "))
    load = Load(seen["requests"], seen["bytes"], seen["microseconds"] / 1e6, seen["p50_us"], seen["p99_us"])
    if seen["failed"]:
        raise NotBelieved(f"{seen['failed']} of {load.requests} requests failed")
    if load.requests == 0:
        raise NotBelieved(f"no answer within {seconds} s")
    if load.bytes_received < load.requests * body_bytes:
        raise NotBelieved(f"{load.bytes_received // load.requests} bytes an answer, not {body_bytes}")
    return load
