"""The package index this machine is set up for, read from pip's configuration and told to uv.

uv does not read pip's configuration files. Whoever set a company index, a certificate or a time-out for pip
means every installer, so `settings_for_uv` says the same in uv's words. No index is named here: where pip has
none configured, both tools use their own default.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping

_UV_NAME_OF = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "trusted-host": "UV_INSECURE_HOST",
}
_BESIDE_THE_INDEX = frozenset({"extra-index-url", "find-links"})
_STRONGEST_FIRST = (":env:", "install", "global")


def settings_for_uv(environment: Mapping[str, str] = os.environ, *, for_locking: bool = False) -> dict[str, str]:
    """Environment variables that make uv use the index pip is configured for.

    Variables that ``environment`` already holds are left out: who set uv up on purpose is right.
    With ``for_locking``, extra indexes and folders of wheels are left out, too: they tend to hold the files
    of one platform, and a lock that was made from them would name the hashes of no other.
    """
    configured = _pip_configuration()
    # pip looks for the best version over all indexes it was given; uv by default stops at the first index
    # that knows the name. With hashes locked, the wider search can bring nothing foreign in.
    settings = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for pip_name, uv_name in _UV_NAME_OF.items():
        if for_locking and pip_name in _BESIDE_THE_INDEX:
            continue
        for section in _STRONGEST_FIRST:
            if value := configured.get(f"{section}.{pip_name}"):
                separator = "," if pip_name == "find-links" else " "
                settings[uv_name] = separator.join(value.split())
                break
    return {name: value for name, value in settings.items() if name not in environment}


def _pip_configuration() -> dict[str, str]:
    """``section.key`` to value, as `pip config list` prints it: one ``key='value'`` a line."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    lines = (line.partition("=") for line in listed.stdout.splitlines() if "=" in line)
    return {key: str(ast.literal_eval(value)) for key, _, value in lines}
