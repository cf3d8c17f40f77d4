"""Running a real, unmodified client against an index on this machine, and against nothing else.

Here lives what all clients share: where their programs are (`scripts/clients.py` put them there), the clean
environment they run in, and the index they are pointed at. What each is asked to do lives in `publishing`,
`installing` and `mirroring`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CLIENTS = Path(__file__).resolve().parents[2] / ".cache" / "clients"
TIMEOUT_SECONDS = 180
# Nothing listens on the discard port: a client that turns to another host is refused at once.
_NOWHERE = "http://127.0.0.1:9"

Outcome = subprocess.CompletedProcess[str]
"""How a client ended: ``returncode``, and everything it said, in order, in ``stdout``."""


@dataclass(frozen=True)
class Index:
    """An index to point a client at: its base URL, which ends in ``/``, and a token where one is needed."""

    url: str
    token: str | None = None

    @property
    def simple_url(self) -> str:
        return f"{self._url_to_read}simple/"

    @property
    def upload_url(self) -> str:
        return f"{self.url}legacy/"

    def reading_with_token(self) -> ReadWithToken:
        """The same index, for clients that must show the token to read (``read = "token"``)."""
        return ReadWithToken(self.url, self.token)

    @property
    def _url_to_read(self) -> str:
        return self.url


class ReadWithToken(Index):
    """An index whose reading URL carries the token as HTTP Basic user and password."""

    @property
    def _url_to_read(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://__token__:{self.token}@{parts.netloc}{parts.path}"


def program(client: str, name: str) -> Path:
    """The path of a program in a client's environment; the test skips where this Python cannot have it."""
    path = CLIENTS / client / "bin" / name
    if not path.exists():
        if (CLIENTS / "uv" / "bin" / "uv").exists():
            pytest.skip(f"{client} needs a newer Python than this machine has")
        pytest.fail("the clients are not installed: run `make test`, which installs them")
    return path


def run(command: Sequence[str | Path], *, home: Path, index: Index, cwd: Path | None = None,
        environment: Mapping[str, str] | None = None) -> Outcome:  # fmt: skip
    """Run a client with ``home`` as its whole world: configuration, caches and temporary files.

    It never raises for the client's exit status; the test judges ``returncode``, and `succeeded` shows why.
    """
    home.mkdir(parents=True, exist_ok=True)
    clean = _clean_environment(home, index) | dict(environment or {})
    return subprocess.run(
        [str(word) for word in command], cwd=cwd or home, env=clean, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip


def succeeded(outcome: Outcome) -> Outcome:
    """``outcome``, where the client was content; an assertion error with all it said where it was not."""
    assert outcome.returncode == 0, f"$ {shlex.join(outcome.args)}\n{outcome.stdout}"
    return outcome


def _clean_environment(home: Path, index: Index) -> dict[str, str]:
    """Nothing of the machine's own settings, and one index only: no extra index, no folder of wheels."""
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "COLUMNS": "200",
        "NO_COLOR": "1",
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "http_proxy": _NOWHERE,
        "https_proxy": _NOWHERE,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONNOUSERSITE": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.simple_url,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
        "UV_DEFAULT_INDEX": index.simple_url,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": str(home / "uv-cache"),
        "UV_HTTP_RETRIES": "0",
    }
