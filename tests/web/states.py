"""An index whose projects are in every state that a page explains, made by the acts themselves. Test support."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tests.core.distributions import core_metadata
from tests.services.affineur import Server
from tests.web.uploading import a_wheel, an_sdist, published, upload

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.life.lifecycle import Act, Place, Said
from affineur.core.life.standing import Replacement
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.settings import Settings
from affineur.shell.index import Index, open_index

SCRIPT = "\"'><script>alert(1)</script>"
HELD_FILE = "brie-1.1.tar.gz"


def fill(server: Server) -> None:
    """Publish four projects and bring them into their states.

    brie: archived and deprecated; 1.0 yanked, 1.1 with one of two files withheld, 2.0 in quarantine. mould: archived,
    then quarantined. gone: withheld. comte: nothing but its wish.
    """
    readme = [("Summary", "A soft cheese"), ("Description-Content-Type", "text/markdown")]
    for version in ("1.0", "1.1", "2.0"):
        metadata = core_metadata("brie", version, readme, description=f"Words of {version}")
        published(upload(server, a_wheel("brie", version, metadata=metadata)))
    published(upload(server, an_sdist("brie", "1.1")))
    for name in ("comte", "mould", "gone"):
        published(upload(server, a_wheel(name)))
    with at_hand(server) as index:
        _act(index)


@contextmanager
def at_hand(server: Server) -> Iterator[Index]:
    """The server's own index in this process, for acts by the index itself: no command line has to start."""
    index = open_index(Settings(data=server.data))
    try:
        yield index
    finally:
        index.close()


def change(index: Index, act: Act, name: str, **said: object) -> None:
    """One act on a whole project, by the index itself."""
    set_status(index, SYSTEM, act, NormalizedName(name), datetime.now(UTC), Said(**said))  # type: ignore[arg-type]


def yank(index: Index, name: str, version: str, reason: str, code: str | None = None) -> None:
    """A release is yanked."""
    set_yanked(index, SYSTEM, Selection(NormalizedName(name), version), True, datetime.now(UTC), reason, code)


def keep_back(index: Index, act: Act, name: str, place: Place, **said: object) -> None:
    """One act that holds something, or lets it go."""
    hold(index, console(datetime.now(UTC)), act, NormalizedName(name), place, Said(**said))  # type: ignore[arg-type]


def _act(index: Index) -> None:
    yank(index, "brie", "1.0", f"Runs over {SCRIPT}", "insecure")
    keep_back(index, "withhold", "brie", Place("1.1", HELD_FILE), code="secret", reason="A key was left in it.")
    keep_back(index, "quarantine", "brie", Place("2.0"), code="compromised-account", reason="Nobody knows who made it.")
    change(index, "archive", "brie", reason="No more milk.")
    instead = (Replacement("comte", ">=1"),)
    change(index, "deprecate", "brie", reason="Too soft.", replacements=instead)
    change(index, "archive", "mould", reason="Dry.")
    keep_back(index, "quarantine", "mould", Place(), code="malware", reason="Sends secrets away.")
    keep_back(index, "withhold", "gone", Place(), code="legal", reason="A court said so.")
    change(index, "wish", "comte", value="help")
