"""The commands that pages show, for each tool, with the address of this very index.

What does not live here: how a command is shown and copied (`templates/pieces.html`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Command:
    """What to type with one tool; ``lines`` are typed one after another."""

    tool: str
    lines: tuple[str, ...]

    @property
    def key(self) -> str:
        """The tool as it stands in ids and is remembered."""
        return self.tool.lower()


_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def install(base_url: str, index_name: str, project: str, version: str | None = None) -> tuple[Command, ...]:
    """How to install ``project`` (a version of it) from the index at ``base_url``."""
    simple, source = f"{base_url}simple/", source_name(index_name)
    exact = f"{project}=={version}" if version else project
    parts = urlsplit(base_url)
    # pip passes over an index without TLS unless its host is trusted by name; loopback always is.
    trusted = f" --trusted-host {parts.hostname}" if parts.scheme == "http" and parts.hostname not in _LOOPBACK else ""
    return (
        Command("pip", (f"pip install --index-url {simple}{trusted} {exact}",)),
        Command("uv", (f"uv add --default-index {simple} {exact}",)),
        Command("Poetry", (f"poetry source add {source} {simple}", f"poetry add --source {source} {exact}")),
    )


def publish(base_url: str, index_name: str) -> tuple[Command, ...]:
    """How to publish what is in ``dist/`` to the index at ``base_url``."""
    legacy, source = f"{base_url}legacy/", source_name(index_name)
    return (
        Command("twine", (f"twine upload --repository-url {legacy} -u __token__ dist/*",)),
        Command("uv", (f"uv publish --publish-url {legacy} dist/*",)),
        Command("Poetry", (f"poetry config repositories.{source} {legacy}", f"poetry publish --build -r {source}")),
    )


def source_name(index_name: str) -> str:
    """The index's name as tools take it for a source: lowercase ASCII letters, digits and ``-``."""
    return re.sub(r"[^a-z0-9]+", "-", index_name.lower()).strip("-") or "index"


def publish_with(base_url: str, index_name: str, token: str) -> tuple[Command, ...]:
    """How to publish with ``token``, for whoever has just made it: it is part of what is to be copied."""
    legacy, source = f"{base_url}legacy/", source_name(index_name)
    pypirc = ("[distutils]", f"index-servers = {source}", "", f"[{source}]", f"repository = {legacy}")
    return (
        Command("uv", (f"export UV_PUBLISH_TOKEN={token}", f"uv publish --publish-url {legacy} dist/*")),
        Command(
            "twine",
            (
                f"export TWINE_USERNAME=__token__ TWINE_PASSWORD={token}",
                f"twine upload --repository-url {legacy} dist/*",
            ),
        ),
        Command("~/.pypirc", (*pypirc, "username = __token__", f"password = {token}")),
        Command(
            "Poetry", (f"poetry config repositories.{source} {legacy}", f"poetry config pypi-token.{source} {token}")
        ),
    )
