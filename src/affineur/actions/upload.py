"""Upload: a file becomes part of a release, and is on offer when this returns.

The walk: inspect the archive → does the form agree? → may it be published? → blobs → one transaction (facts
again, decision, rows, events) → the project's page. Nothing is written before all checks have passed; a crash
after the blobs leaves an orphan for the sweep, one after the commit a page that `catch_up` writes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from affineur.core.access import Actor, Resource, actor_class, may
from affineur.core.decision import Decision, refuse
from affineur.core.distributions.acceptance import UPLOADED, Rules
from affineur.core.distributions.description import render
from affineur.core.distributions.distribution import Distribution, inspect
from affineur.core.distributions.upload_form import UploadForm, agree
from affineur.core.history.journal import ActorClass, Event
from affineur.core.life import policy
from affineur.core.life.standing import Standing
from affineur.core.names import NormalizedName
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import grants, journal, projects

from . import permission


@dataclass(frozen=True, slots=True)
class Spooled:
    """A file that has arrived whole. Digests are lowercase hex."""

    path: Path
    filename: str
    size_bytes: int
    sha256: str
    blake2b_256: str
    md5: str


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a file is taken in; the defaults are those of an ordinary upload."""

    rules: Rules = UPLOADED
    window: timedelta | None = None
    limits_apply: bool = True
    reserve_names: bool = True
    actor_class: ActorClass | None = None
    """Who acts, as the journal says; None: what the actor is."""
    yanked: bool = False
    yanked_reason: str | None = None
    comment: str | None = None
    uploaded_at: datetime | None = None
    """When it was first published, elsewhere (aware UTC); None: now."""
    project: NormalizedName | None = None
    """The project it is known to belong to: old file names alone do not always tell."""
    one_sdist: bool = True
    page: bool = True
    """Whether the project's page is to be up to date on return. Whoever says no projects it later."""


ORDINARY = Terms()


@dataclass(frozen=True, slots=True)
class Published:
    """What an upload led to. ``new`` is false where this very file was there already."""

    project: NormalizedName
    version: str
    filename: str
    new: bool
    findings: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file that has passed every check that needs no database."""

    distribution: Distribution
    spooled: Spooled
    metadata_sha256: str | None
    """Of what is served as ``.metadata``; None where nothing is."""
    description_html: str | None
    comment: str | None

    @property
    def name(self) -> NormalizedName:
        return self.distribution.filename.name

    @property
    def version(self) -> str:
        return self.distribution.filename.version


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the database said about a candidate, as of the journal's ``serial``."""

    serial: int
    project: projects.ProjectRow | None
    release_id: int | None
    already_there: bool


def upload(
    index: Index, actor: Actor, form: UploadForm | None, spooled: Spooled, now: datetime, terms: Terms = ORDINARY
) -> Published:
    """Publish ``spooled`` as ``actor``. ``form`` is None where there is none to agree with (an import).

    ``now`` (aware UTC) is when it happens here. `Refused` says why not. Consumes the spool file on success.
    Cost: the size of the file, and the number of the project's files.
    """
    candidate = _inspect(form, spooled, terms)
    with index.store.read() as connection:
        seen = _look(index, connection, actor, candidate, now, terms)
    if not seen.already_there:
        _keep(index, candidate, terms.uploaded_at or now)
        with index.store.write() as connection:
            # Most of the time nothing has happened since: then what was seen is still true.
            if journal.head(connection)[0] != seen.serial:
                seen = _look(index, connection, actor, candidate, now, terms)
            if not seen.already_there:
                _record(connection, actor, candidate, seen, now, terms)
    if terms.page:
        pages.project(index, candidate.name)
    return Published(
        candidate.name,
        candidate.version,
        spooled.filename,
        new=not seen.already_there,
        findings=candidate.distribution.findings,
    )


def _inspect(form: UploadForm | None, spooled: Spooled, terms: Terms) -> _Candidate:
    if form is not None:
        _require_digests(form, spooled)
    with open(spooled.path, "rb") as stream:
        distribution = inspect(stream, spooled.filename, terms.rules, terms.project)
    if form is not None:
        agree(form, distribution)
    metadata = distribution.metadata
    served = distribution.metadata_bytes if distribution.serves_metadata else None
    said = form.comment if form is not None else ""
    return _Candidate(
        distribution,
        spooled,
        None if served is None else hashlib.sha256(served).hexdigest(),
        render(metadata.description, metadata.description_content_type),
        terms.comment or said or None,
    )


def _require_digests(form: UploadForm, spooled: Spooled) -> None:
    given = (
        (form.md5_digest, spooled.md5),
        (form.sha256_digest, spooled.sha256),
        (form.blake2_256_digest, spooled.blake2b_256),
    )
    if any(claimed is not None and claimed != found for claimed, found in given):
        refuse(
            "upload.digest",
            "The digest supplied does not match a digest calculated from the uploaded file.",
            "The file was damaged on its way, or changed after its digest was taken: upload it again.",
            sha256=spooled.sha256,
        )


def _look(
    index: Index, connection: sa.Connection, actor: Actor, candidate: _Candidate, now: datetime, terms: Terms
) -> _Seen:
    """What is known about the candidate; `Refused` where it may not be published."""
    spooled = candidate.spooled
    serial, _ = journal.head(connection)
    found = projects.find(connection, candidate.name)
    _require_permission(index, connection, actor, candidate.name, found, now, terms)
    release = projects.release_of(connection, found.id, candidate.version) if found else None
    known = projects.known_file(connection, spooled.filename, spooled.sha256)
    kind = candidate.distribution.filename.kind
    same_name = known is not None and known.filename == spooled.filename
    facts = policy.Upload(
        project=candidate.name,
        filename=spooled.filename,
        kind=kind,
        version=candidate.version,
        sha256=spooled.sha256,
        blake2b_256=known.blake2b_256 if known else spooled.blake2b_256,
        size_bytes=spooled.size_bytes,
        now=now,
        standing=found.standing if found else Standing(),
        project_bytes=found.size_bytes if found else 0,
        limits=_limits(index, found) if terms.limits_apply else None,
        same_name=known.sha256 if known and same_name else None,
        same_content=known.filename if known and not same_name else None,
        burnt=known is None and projects.is_burnt(connection, spooled.filename),
        release_since=release[1] if release else None,
        release_window=terms.window,
        has_sdist=terms.one_sdist
        and release is not None
        and kind == "sdist"
        and projects.has_sdist(connection, release[0]),
    )
    already_there = policy.is_same_file(facts)
    if not already_there:
        policy.upload(facts).require()
    return _Seen(serial, found, release[0] if release else None, already_there)


def _require_permission(
    index: Index,
    connection: sa.Connection,
    actor: Actor,
    name: NormalizedName,
    found: projects.ProjectRow | None,
    now: datetime,
    terms: Terms,
) -> None:
    settings = index.settings
    if found is not None:
        permission.ask(connection, actor, "upload", found, now).require()
    else:
        may(actor, "create", Resource(name, exists=False, new_projects=settings.new_projects), now).require()
        policy.new_name(
            policy.NewName(
                name,
                tuple(projects.lookalikes(connection, name)),
                settings.reserve_standard_library_names and terms.reserve_names,
                settings.reserve_lookalike_names and terms.reserve_names,
            )
        ).require()


def _limits(index: Index, found: projects.ProjectRow | None) -> policy.Limits:
    settings = index.settings
    return policy.Limits(
        (found and found.file_limit_bytes) or settings.maximum_file_bytes,
        (found and found.total_limit_bytes) or settings.maximum_project_bytes,
    )


def _keep(index: Index, candidate: _Candidate, uploaded_at: datetime) -> None:
    """Put the blobs where they stay. Before the transaction: a row never lacks its blob."""
    index.blobs.put_file(candidate.spooled.sha256, candidate.spooled.path, uploaded_at)
    if candidate.metadata_sha256:
        index.blobs.put_bytes(candidate.metadata_sha256, candidate.distribution.metadata_bytes, uploaded_at)


def _record(
    connection: sa.Connection, actor: Actor, candidate: _Candidate, seen: _Seen, now: datetime, terms: Terms
) -> None:
    """Write the rows and the events, inside the caller's transaction."""
    name, version, spooled = candidate.name, candidate.version, candidate.spooled
    metadata, filename = candidate.distribution.metadata, candidate.distribution.filename
    uploaded_at = terms.uploaded_at or now
    events: list[Event] = []
    who = terms.actor_class or actor_class(actor)
    project, release_id = seen.project, seen.release_id
    if project is None:
        project = projects.add_project(connection, name, metadata.name, uploaded_at)
        if actor.account_id is not None:
            projects.grant(connection, project.id, actor.account_id, "owner", now)
        events.append(Event("ProjectCreated", name, actor_class=who))
    if release_id is None:
        release_id = projects.add_release(connection, project.id, metadata, candidate.description_html, uploaded_at)
        events.append(Event("ReleaseCreated", name, version, actor_class=who))
    facts = {"kind": filename.kind, "size_bytes": spooled.size_bytes, "yanked": terms.yanked}
    events.append(
        Event(
            "FilePublished",
            name,
            version,
            spooled.filename,
            spooled.sha256,
            new=facts,
            rule="upload",
            actor_class=who,
        )
    )
    serial = journal.append(connection, now, events, actor.name or None)
    row = {"project_id": project.id, "release_id": release_id, **_file_row(actor, candidate, uploaded_at, terms)}
    projects.add_file(connection, row)
    projects.touch(connection, project.id, serial, now, added_bytes=spooled.size_bytes)
    grants.note_act(connection, project.id, actor.account_id, now)


def _file_row(actor: Actor, candidate: _Candidate, uploaded_at: datetime, terms: Terms) -> dict[str, object]:
    """A file's columns, but for where it belongs."""
    spooled, filename = candidate.spooled, candidate.distribution.filename
    return {
        "filename": spooled.filename,
        "kind": filename.kind,
        "python_version": filename.python_version,
        "size_bytes": spooled.size_bytes,
        "sha256": spooled.sha256,
        "blake2b_256": spooled.blake2b_256,
        "md5": spooled.md5,
        "requires_python": candidate.distribution.metadata.requires_python,
        "metadata_sha256": candidate.metadata_sha256,
        "comment": candidate.comment,
        "uploaded_at": uploaded_at,
        "uploaded_by": actor.account_id,
        "uploaded_via": _via(actor, terms),
        "publisher": actor.name if actor.kind == "publisher" else None,
        "yanked": terms.yanked,
        "yanked_reason": terms.yanked_reason,
    }


def _via(actor: Actor, terms: Terms) -> str:
    """By what way a file came, for whoever judges it later."""
    if terms.actor_class == "import":
        return "import"
    if actor.kind == "system":
        return "console"
    return "publisher" if actor.kind == "publisher" else "token"
