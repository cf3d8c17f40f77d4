"""What this machine keeps about indexes elsewhere: tokens in the system's keyring, and which index is meant.

A token is in the keyring and nowhere else; the file beside it holds an address. What does not live here: asking for a
token (`cli.login`) and sending it (`client`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from ..errors import EXIT_NOT_READY, EXIT_USAGE
from ..narrowing import VARIABLE as TOKEN_VARIABLE
from .problems import RemoteFault

INDEX_VARIABLE = "AFFINEUR_INDEX"
"""The environment variable that names the index meant. It is no setting, though it has their prefix."""

_SERVICE = "affineur"
_LONGEST = 2000


def parse_index(text: str) -> str:
    """The address of an index, ending in ``/``. `RemoteFault` for what is none.

    Addresses of its parts (``…/simple/``, ``…/legacy/``) are taken for that of the whole.
    """
    address = text.strip()
    try:
        parts = urlsplit(address)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        _unfit(text)
    named = parts.scheme in ("http", "https") and parts.hostname and has_port
    if not named or parts.query or parts.fragment or len(address) > _LONGEST or not _is_plain(address):
        _unfit(text)
    if "@" in parts.netloc:
        raise RemoteFault("The address of an index has no user or token in it. Run `affineur login`.", EXIT_USAGE)
    address = address.rstrip("/")
    for part in ("/simple", "/legacy", "/api/v1", "/api"):
        address = address.removesuffix(part)
    return address.rstrip("/") + "/"


def is_plain_http(index: str) -> bool:
    """Whether everyone between here and ``index`` could read a token: http to another machine."""
    parts = urlsplit(index)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


def token_for(index: str) -> str:
    """The token for ``index``: of the environment, else of the keyring. `RemoteFault` where there is none."""
    if given := os.environ.get(TOKEN_VARIABLE, "").strip():
        return given
    kept = _ring("read", index)
    if kept is None:
        raise RemoteFault(
            f"There is no token for {index} here. Run `affineur login {index}`, or set {TOKEN_VARIABLE}.",
            EXIT_NOT_READY,
        )
    return kept


def keep_token(index: str, token: str) -> None:
    """Keep the token for ``index`` in the keyring. `RemoteFault` where there is none, or it is locked."""
    _ring("write", index, token)


def forget_token(index: str) -> bool:
    """Remove the token for ``index`` from the keyring; whether there was one."""
    if _ring("read", index) is None:
        return False
    _ring("forget", index)
    return True


def default_index() -> str | None:
    """The index that is meant where none is named: the one logged in to last."""
    try:
        text = _file().read_text(encoding="utf-8")
        return parse_index(text)
    except (OSError, UnicodeDecodeError, RemoteFault):
        return None


def set_default_index(index: str | None) -> None:
    """Remember, or forget, which index is meant."""
    path = _file()
    if index is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{index}\n", encoding="utf-8")


def _file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "affineur" / "index"


def _ring(act: str, index: str, token: str = "") -> str | None:
    """Read, write or forget the token of ``index``; every fault of the keyring as a sentence."""
    import keyring
    from keyring.errors import KeyringError, NoKeyringError

    try:
        if act == "write":
            keyring.set_password(_SERVICE, index, token)
        elif act == "forget":
            keyring.delete_password(_SERVICE, index)
        else:
            return keyring.get_password(_SERVICE, index)
    except NoKeyringError:
        raise RemoteFault(
            f"This machine has no keyring to keep a token in. Set {TOKEN_VARIABLE} (and {INDEX_VARIABLE}) instead, or "
            "install a backend of the Python library `keyring`.",
            EXIT_NOT_READY,
        ) from None
    except (KeyringError, OSError, ValueError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise RemoteFault(
            f"The keyring of this machine cannot be used: {why}. Unlock it, or set {TOKEN_VARIABLE}.", EXIT_NOT_READY
        ) from None
    return None


def _is_plain(text: str) -> bool:
    return all(each.isprintable() and not each.isspace() for each in text)


def _unfit(text: str) -> NoReturn:
    raise RemoteFault(f"{text[:80]!a} is no address of an index, such as https://index.example.org/.", EXIT_USAGE)
