"""A small index with something to moderate: projects of Ann's, two moderators, people who report.

Test support, not tests. Accounts and roles are rows; reports are made as people make them, over the pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.services.affineur import Server, initialise, serve
from tests.web.people import Person, Visitor, sign_up, signed_in, store_of
from tests.web.uploading import a_wheel, published, upload

from affineur.shell.store import grants, projects

PROJECTS = ("brie", "camembert", "edam", "feta")


@dataclass(frozen=True)
class Scene:
    """The server, and who is there: Ann owns everything, Mo and Nan moderate, Rob and Sue report."""

    server: Server
    ann: Person
    mo: Person
    nan: Person
    rob: Person
    sue: Person

    def at(self, person: Person) -> Visitor:
        """A browser in which ``person`` is signed in with all that is asked for."""
        return signed_in(self.server, person, proof="passkey" if person in (self.mo, self.nan) else "password")

    def report(self, person: Person, project: str, **said: str) -> str:
        """A report by ``person``, by the form; the number of its case."""
        fields = {"kind": "malware", "summary": f"{project} reads keys.", "version": "", "evidence": "", **said}
        with self.at(person) as visitor:
            answer = visitor.post(f"project/{project}/report/", fields)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].partition("case=")[2].partition("&")[0]


@contextmanager
def moderated(data: Path) -> Iterator[Scene]:
    """The scene, served from ``data``."""
    with serve(data, initialise(data)) as server:
        for name in PROJECTS:
            published(upload(server, a_wheel(name, "1.0")))
        published(upload(server, a_wheel("brie", "1.1", files={"brie/steal.py": b"import os\n"})))
        ann, rob, sue = (sign_up(server, name) for name in ("ann", "rob", "sue"))
        mo, nan = (sign_up(server, name, office="moderator", factors=("passkey",)) for name in ("mo", "nan"))
        with store_of(server) as store, store.write() as connection:
            for name in PROJECTS:
                found = projects.find(connection, name)
                assert found is not None
                grants.set_role(connection, found.id, ann.id, "owner", datetime.now(UTC), None)
        yield Scene(server, ann, mo, nan, rob, sue)
