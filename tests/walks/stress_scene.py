"""Writers and readers of the stress test: what they do, and what a reader must never see. Test support, not tests.

Half of the writers call the API of the server, the others act in this process, on the same index: rows and tree are
written by several processes at once, as they are where operators use the command line beside a server.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.actions.shelf import publish
from tests.services.affineur import Server
from tests.walks.uploading import Reader, Wheel
from tests.web.uploading import ask

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.decision import Refused
from affineur.core.history.chronicle import parse_page
from affineur.core.history.journal import Entry
from affineur.core.life.lifecycle import HOLDING, TRANSITIONS, WHOLE, Place, Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.shell.index import Index

VERSIONS = ("1.0", "2.0")
_BY_API = (
    *("archive", "unarchive", "finish", "resume", "deprecate", "undeprecate"),
    *("quarantine", "clear", "yank", "unyank"),
)
_REFUSALS = frozenset({400, 403, 404, 409, 422})


def file_of(name: str, version: str) -> str:
    return Wheel(name, version).filename


def place_in(chosen: random.Random, name: str) -> Place:
    version = chosen.choice(VERSIONS)
    return chosen.choice((WHOLE, Place(version), Place(version, file_of(name, version))))


@dataclass
class Writer:
    """Does ``count`` random acts, whether they are legal or not; what came of them is in ``outcomes``."""

    seed: int
    names: list[str]
    count: int
    faults: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def by_api(self, server: Server) -> None:
        """Through the API, with the operator's token."""
        chosen = random.Random(self.seed)
        for _ in range(self.count):
            name, act = chosen.choice(self.names), chosen.choice(_BY_API)
            place = place_in(chosen, name) if act in HOLDING or act.endswith("yank") else WHOLE
            body = {"file": place.filename} if place.filename else {"version": place.version} if place.version else {}
            if TRANSITIONS[act].takes and act not in ("clear", "unwithhold"):  # type: ignore[index]
                body |= {"reason": f"because of <{self.seed}>"}
            try:
                answer = ask(
                    server, "POST", f"/api/v1/projects/{name}/{act}", json.dumps(body).encode(),
                    authorization=f"Bearer {server.token}", content_type="application/json",
                )  # fmt: skip
                self._judge(act, answer)
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(f"{act} {name}: {error!r}")

    def here(self, index: Index) -> None:
        """In this process."""
        chosen = random.Random(self.seed)
        for number in range(self.count):
            name, act = NormalizedName(chosen.choice(self.names)), chosen.choice((*TRANSITIONS, "publish"))
            try:
                self._act(index, act, name, place_in(chosen, name), number)
                self.outcomes["done"] += 1
            except Refused as refused:
                self.outcomes[refused.decision.rule] += 1
            except Exception as error:
                self.faults.append(f"{act} {name}: {error!r}")

    def _act(self, index: Index, act: Any, name: NormalizedName, place: Place, number: int) -> None:
        now, said = datetime.now(UTC), Said(reason="why not", value="help" if act == "wish" else "C1")
        if act == "publish":
            version = f"3.{self.seed}.{number}"
            try:
                publish(index, name, version, seconds=number)
            finally:  # as whoever receives an upload does, where it is refused
                Path(index.settings.spool, file_of(name, version)).unlink(missing_ok=True)
        elif act in HOLDING:
            hold(index, console(now), act, name, place, said)
        elif act in ("yank", "unyank"):
            set_yanked(index, SYSTEM, Selection(name, place.version, place.filename), act == "yank", now)
        else:
            set_status(index, SYSTEM, act, name, now, said)

    def _judge(self, act: str, answer: Any) -> None:
        if answer.status == 200:
            self.outcomes["done"] += 1
            return
        if answer.status not in _REFUSALS:
            self.faults.append(f"{act} was answered with {answer.status}: {answer.body[:300]!r}")
            return
        rule = answer.json["rule"]
        self.outcomes[rule] += 1
        if rule == "lifecycle.transition" and (answer.status != 409 or act in answer.json["facts"]["legal"]):
            self.faults.append(f"{act} was refused wrongly: {answer.body[:300]!r}")


class _Page(HTMLParser):
    """The status and the files that the HTML of a page tells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.status, self.files = "active", set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        if tag == "meta" and told.get("name") == "pypi:project-status":
            self.status = str(told["content"])
        if tag == "a":
            self.files.add(str(told["href"]).partition("#")[0].rpartition("/")[2])


@dataclass
class Looker:
    """Reads pages at random, and believes nothing."""

    url: str
    names: list[str]
    seed: int
    faults: list[str] = field(default_factory=list)
    looks: int = 0
    serials: dict[str, int] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        reader, chosen = Reader(self.url), random.Random(self.seed)
        try:
            while not stop.is_set():
                self._look(reader, chosen.choice(self.names), chosen)
                self.looks += 1
        except Exception as error:
            self.faults.append(repr(error))
        finally:
            reader.close()

    def _look(self, reader: Reader, name: str, chosen: random.Random) -> None:
        page: Any = reader.page(name)
        serial = page["meta"]["_last-serial"]
        if serial < self.serials.get(name, 0):
            self.faults.append(f"{name} went back from {self.serials[name]} to {serial}")
        self.serials[name] = serial
        self.faults += [f"{name} at {serial}: {fault}" for fault in contradictions(page)]
        if page["files"]:
            one = chosen.choice(page["files"])
            if reader.get(one["url"].removeprefix("../.."), "HEAD").status != 200:
                now: Any = reader.page(name)
                if now["meta"]["_last-serial"] == serial:
                    self._after_the_act(reader, name, serial, one)
        html = _Page(reader.get(f"/simple/{name}/", accept="text/html").body.decode())
        if html.status == "quarantined" and html.files:
            self.faults.append(f"{name} is quarantined, and its HTML lists {html.files}")

    def _after_the_act(self, reader: Reader, name: str, serial: int, one: Mapping[str, str]) -> None:
        """Links go before their page does; so the page must follow at once, or the file come back."""
        path = one["url"].removeprefix("../..")
        for _ in range(500):
            now: Any = reader.page(name)
            if now["meta"]["_last-serial"] != serial or reader.get(path, "HEAD").status == 200:
                return
        self.faults.append(f"{name} at {serial} lists {one['filename']}, which is not on offer")


def contradictions(page: Mapping[str, Any]) -> list[str]:
    """What a page says that the table forbids, by its own words."""
    status, told = page["project-status"]["status"], page["_index"]
    words, files, found = told["statuses"], page["files"], []
    held = {"quarantined", "condemned"} & set(words)
    wanted = (
        "quarantined" if held
        else "archived" if {"withheld", "archived"} & set(words)
        else "deprecated" if "deprecated" in words
        else "active"
    )  # fmt: skip
    if status != wanted:
        found.append(f"its status is {status}, its statuses are {words}")
    if (held or "withheld" in words) and files:
        found.append(f"it is {words}, and lists {len(files)} files")
    for one in told["safety"]["holds"]:
        for file in files:
            of_file = one.get("filename") == file["filename"]
            of_release = one["level"] == "release" and f"-{one['version']}-" in file["filename"]
            if of_file or of_release:
                found.append(f"{file['filename']} is on hold, and listed")
    if ("archived" in words) != (told["maintenance"]["state"] == "archived"):
        found.append(f"its maintenance is {told['maintenance']['state']}, its statuses are {words}")
    return found


@dataclass
class Follower:
    """Reads the journal as it happens, from its beginning."""

    url: str
    entries: list[Entry] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        reader = Reader(self.url)
        try:
            while True:
                last = stop.is_set()
                since = self.entries[-1].serial if self.entries else 0
                page = parse_page(reader.get(f"/journal?since={since}&wait=1").body, since)
                self.entries += page.entries
                if last and page.complete and not page.entries:
                    return
        except Exception as error:
            self.faults.append(repr(error))
        finally:
            reader.close()
