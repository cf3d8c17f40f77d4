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

from affineur.core import policy
from affineur.core.acceptance import UPLOADED, Rules
from affineur.core.access import Action, Actor, Resource, may
from affineur.core.decision import Decision, refuse
from affineur.core.description import render
from affineur.core.distribution import Distribution, inspect
from affineur.core.journal import ActorClass, Event
from affineur.core.names import NormalizedName
from affineur.core.standing import Standing
from affineur.core.upload_form import UploadForm, agree
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import journal, projects


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
    actor_class: ActorClass = "owner"
    yanked: bool = False
    yanked_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What an upload led to. ``new`` is false where this very file was there already."""

    project: NormalizedName
    version: str
    filename: str
    new: bool
    findings: tuple[Decision, ...] = ()


def upload(
    index: Index,
    actor: Actor,
    form: UploadForm | None,
    spooled: Spooled,
    now: datetime,
    terms: Terms = Terms(),
) -> Published:
    """Publish ``spooled`` as ``actor``. ``form`` is None where there is none to agree with (an import).

    ``now`` becomes the upload time (aware UTC). `Refused` says why not. Consumes the spool file on success.
    Cost: the size of the file, and the number of the project's files.
    """
    if form is not None:
        _require_digests(form, spooled)
    with open(spooled.path, "rb") as stream:
        distribution = inspect(stream, spooled.filename, terms.rules)
    if form is not None:
        agree(form, distribution)
    metadata_sha256 = _metadata_digest(distribution)
    description = render(distribution.metadata.description, distribution.metadata.description_content_type)
    with index.store.read() as connection:
        there = _decide(index, connection, actor, distribution, spooled, now, terms)
    if not there:
        index.blobs.put_file(spooled.sha256, spooled.path, now)
        if metadata_sha256:
            index.blobs.put_bytes(metadata_sha256, distribution.metadata_bytes, now)
        with index.store.write() as connection:
            there = _decide(index, connection, actor, distribution, spooled, now, terms)
            if not there:
                _record(index, connection, actor, distribution, spooled, now, terms, description)
    pages.project(index, distribution.filename.name)
    return Published(
        distribution.filename.name,
        distribution.filename.version,
        spooled.filename,
        new=not there,
        findings=distribution.findings,
    )


def _metadata_digest(distribution: Distribution) -> str | None:
    """SHA-256 of what is served as ``.metadata``; None where nothing is."""
    return hashlib.sha256(distribution.metadata_bytes).hexdigest() if distribution.serves_metadata else None


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


def _decide(
    index: Index,
    connection: sa.Connection,
    actor: Actor,
    distribution: Distribution,
    spooled: Spooled,
    now: datetime,
    terms: Terms,
) -> bool:
    """Whether this very file is there already; `Refused` where it may not be published."""
    settings = index.settings
    found = projects.find(connection, distribution.filename.name)
    role = None
    if found is not None and actor.account_id is not None:
        role = projects.role_of(connection, found.id, actor.account_id)
    action: Action = "upload" if found is not None else "create"
    may(actor, action, Resource(distribution.filename.name, found is not None, role, settings.new_projects)).require()
    if found is None:
        policy.new_name(
            policy.NewName(
                distribution.filename.name,
                tuple(projects.lookalikes(connection, distribution.filename.name)),
                settings.reserve_standard_library_names and terms.reserve_names,
                settings.reserve_lookalike_names and terms.reserve_names,
            )
        ).require()
    release = projects.release_of(connection, found.id, distribution.filename.version) if found else None
    known = projects.known_file(connection, spooled.filename, spooled.sha256)
    by_name = known is not None and known.filename == spooled.filename
    unlimited = 1 << 62
    facts = policy.Upload(
        project=distribution.filename.name,
        filename=spooled.filename,
        kind=distribution.filename.kind,
        version=distribution.filename.version,
        sha256=spooled.sha256,
        blake2b_256=known.blake2b_256 if known else spooled.blake2b_256,
        size_bytes=spooled.size_bytes,
        now=now,
        standing=found.standing if found else Standing(),
        project_bytes=found.size_bytes if found else 0,
        file_limit_bytes=(found and found.file_limit_bytes) or settings.maximum_file_bytes
        if terms.limits_apply
        else unlimited,
        total_limit_bytes=(found and found.total_limit_bytes) or settings.maximum_project_bytes
        if terms.limits_apply
        else unlimited,
        same_name=known.sha256 if known and by_name else None,
        same_content=known.filename if known and not by_name else None,
        burnt=projects.is_burnt(connection, spooled.filename),
        release_since=release[1] if release else None,
        release_window=terms.window,
        has_sdist=projects.has_sdist(connection, release[0])
        if release and distribution.filename.kind == "sdist"
        else False,
    )
    if policy.is_same_file(facts):
        return True
    policy.upload(facts).require()
    return False


def _record(
    index: Index,
    connection: sa.Connection,
    actor: Actor,
    distribution: Distribution,
    spooled: Spooled,
    now: datetime,
    terms: Terms,
    description: str | None,
) -> None:
    name, version, metadata = distribution.filename.name, distribution.filename.version, distribution.metadata
    events: list[Event] = []
    found = projects.find(connection, name)
    if found is None:
        found = projects.add_project(connection, name, metadata.name, now)
        if actor.account_id is not None:
            projects.grant(connection, found.id, actor.account_id, "owner", now)
        events.append(Event("ProjectCreated", name, actor_class=terms.actor_class))
    release = projects.release_of(connection, found.id, version)
    if release is None:
        release_id = projects.add_release(connection, found.id, metadata, description, now)
        events.append(Event("ReleaseCreated", name, version, actor_class=terms.actor_class))
    else:
        release_id = release[0]
    projects.add_file(
        connection,
        {
            "project_id": found.id,
            "release_id": release_id,
            "filename": spooled.filename,
            "kind": distribution.filename.kind,
            "python_version": distribution.filename.python_version,
            "size_bytes": spooled.size_bytes,
            "sha256": spooled.sha256,
            "blake2b_256": spooled.blake2b_256,
            "md5": spooled.md5,
            "requires_python": metadata.requires_python,
            "metadata_sha256": _metadata_digest(distribution),
            "comment": None,
            "uploaded_at": now,
            "uploaded_by": actor.account_id,
            "yanked": terms.yanked,
            "yanked_reason": terms.yanked_reason,
        },
    )
    events.append(
        Event(
            "FilePublished",
            name,
            version,
            spooled.filename,
            spooled.sha256,
            new={
                "kind": distribution.filename.kind,
                "size_bytes": spooled.size_bytes,
                "yanked": terms.yanked,
            },
            rule="upload",
            actor_class=terms.actor_class,
        )
    )
    serial = journal.append(connection, now, events, actor.name or None)
    projects.set_serial(connection, found.id, serial)
