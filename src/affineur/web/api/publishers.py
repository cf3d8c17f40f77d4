"""Trusted publishers: of a project, of projects to come, and whether only they may upload.

What does not live here: the exchange of identities, whose addresses are not ours to choose
(`web.trusted_publishing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec

from affineur.actions import pending_publishers, permission
from affineur.actions import publishers as acts
from affineur.actions import publishers_only as closing
from affineur.core import publishers as rules
from affineur.core.access import publishers_only as is_closed
from affineur.core.names import MAXIMUM_LENGTH, NormalizedName, parse_name
from affineur.core.permissions import Action
from affineur.core.publishers import AdmittedIssuer, Kind, Publisher, admitted_by
from affineur.shell.store.publishers import Pending, Registered

from .operation import Call, Input, Listing, Made, Operation, Output

_TAG = "publishers"

KindText = Annotated[str, msgspec.Meta(max_length=20, description="github, gitlab, google, activestate or oidc.")]
IssuerText = Annotated[str, msgspec.Meta(max_length=500, description="The address of the service, as it is listed.")]
Fields = Annotated[
    dict[str, str], msgspec.Meta(max_length=25, description="What describes the job; by name, as the service has it.")
]


class PublisherField(Output):
    """One field of a publisher of some service."""

    name: str
    label: str
    rule: str
    example: str
    required: bool


class PublisherIssuer(Output):
    """A service whose identities are taken here, and what describes a job of it."""

    kind: Kind
    issuer: str
    name: str
    fields: list[PublisherField]


class PublisherRequest(Input):
    """A publisher, as somebody describes it."""

    kind: KindText
    issuer: IssuerText
    fields: Fields


class PendingPublisherRequest(PublisherRequest):
    """A publisher that will make a project."""

    project: Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_LENGTH, description="The project to come.")]


class PublishersOnlyRequest(Input):
    """Whether only trusted publishers may upload."""

    required: bool


class ProjectPublisher(Output):
    """A publisher of a project. ``pins``: what was learned from its first identity, and must stay.

    ``unconfirmed``: the project was unarchived, and an owner has yet to say that it publishes again.
    """

    id: str
    project: str
    kind: Kind
    issuer: str
    fields: Mapping[str, str]
    pins: Mapping[str, str]
    display: str
    added_at: datetime
    added_by: str | None
    last_used_at: datetime | None
    unconfirmed: bool


class PendingPublisher(Output):
    """A publisher of a project that does not exist yet."""

    id: str
    project: str
    kind: Kind
    issuer: str
    fields: Mapping[str, str]
    display: str
    created_at: datetime
    expires_at: datetime


class PublishersOnly(Output):
    """Whether only trusted publishers may upload, and when that ends where it was switched off."""

    project: str
    required: bool
    ends_at: datetime | None


def list_issuers(call: Call) -> Listing:
    """The services, as the settings have them: a handful, so one page."""
    return Listing([_issuer(each) for each in admitted_by(call.index.settings.publisher_issuers)])


def list_publishers(call: Call) -> Listing:
    """The publishers of the project of the path: a handful, so one page."""
    return Listing([_registered(each) for each in acts.publishers_of(call.index, call.caller, _project(call))])


def add_publisher(call: Call) -> Made:
    """Add what the body describes."""
    asked: PublisherRequest = call.body
    added = acts.add_publisher(call.index, call.caller, _project(call), asked.kind, asked.issuer, asked.fields)
    made = Registered(added.id, 0, added.project, added.publisher, call.actor.name or None, call.now, None)
    return Made(_registered(made), added.id, f"/projects/{added.project}/publishers/{added.id}")


def confirm_publisher(call: Call) -> ProjectPublisher:
    """Let the publisher of the path publish again."""
    return _registered(acts.confirm_publisher(call.index, call.caller, _project(call), call.path["publisher"]))


def remove_publisher(call: Call) -> None:
    """Remove the publisher of the path."""
    acts.remove_publisher(call.index, call.caller, _project(call), call.path["publisher"])


def get_publishers_only(call: Call) -> PublishersOnly:
    """How it stands."""
    return _only(call, _project(call), "see-people")


def set_publishers_only(call: Call) -> PublishersOnly:
    """Switch it on at once, or off in three days; on again calls that off."""
    asked: PublishersOnlyRequest = call.body
    project = _project(call)
    if asked.required:
        closing.require_publishers(call.index, call.caller, project)
    else:
        closing.release_publishers(call.index, call.caller, project)
    return _only(call, project, "require-publishers")  # what whoever has done it may: the token need not be for reading


def list_pending(call: Call) -> Listing:
    """What the caller has pending: a handful, so one page."""
    return Listing([_pending(each) for each in pending_publishers.pending_of(call.index, call.caller)])


def add_pending(call: Call) -> Made:
    """Add what the body describes."""
    asked: PendingPublisherRequest = call.body
    made = pending_publishers.add_pending(
        call.index, call.caller, asked.project, asked.kind, asked.issuer, asked.fields
    )
    return Made(_pending(made), made.id, f"/account/pending-publishers/{made.id}")


def remove_pending(call: Call) -> None:
    """Withdraw the pending publisher of the path."""
    pending_publishers.remove_pending(call.index, call.caller, call.path["publisher"])


def _project(call: Call) -> NormalizedName:
    return parse_name(call.path["project"])


def _issuer(issuer: AdmittedIssuer) -> PublisherIssuer:
    fields = [
        PublisherField(name=each.name, label=each.label, rule=each.rule, example=each.example, required=each.required)
        for each in rules.fields_of(issuer)
    ]
    return PublisherIssuer(kind=issuer.kind, issuer=issuer.url, name=issuer.name, fields=fields)


def _registered(found: Registered) -> ProjectPublisher:
    described: Publisher = found.publisher
    return ProjectPublisher(
        id=found.id,
        project=found.project,
        kind=described.kind,
        issuer=described.issuer,
        fields=dict(described.fields),
        pins={claim: value for claim, value in described.pins.items() if value},
        display=rules.display(described),
        added_at=found.added_at,
        added_by=found.added_by,
        last_used_at=found.last_used_at,
        unconfirmed=found.unconfirmed,
    )


def _pending(found: Pending) -> PendingPublisher:
    return PendingPublisher(
        id=found.id,
        project=found.display_name,
        kind=found.publisher.kind,
        issuer=found.publisher.issuer,
        fields=dict(found.publisher.fields),
        display=rules.display(found.publisher),
        created_at=found.created_at,
        expires_at=found.expires_at,
    )


def _only(call: Call, project: NormalizedName, action: Action) -> PublishersOnly:
    with call.index.store.read() as connection:
        found = permission.require(connection, call.actor, action, project, call.now)
    closed = is_closed(found.publishers_only, found.publishers_only_ends_at, call.now)
    return PublishersOnly(project=project, required=closed, ends_at=found.publishers_only_ends_at if closed else None)


_OF_PROJECT, _ONLY, _OF_ACCOUNT = (
    "/projects/{project}/publishers",
    "/projects/{project}/publishers-only",
    "/account/pending-publishers",
)

OPERATIONS = (
    Operation(
        method="GET",
        path="/publisher-issuers",
        name="listPublisherIssuers",
        summary="The services whose identities are taken here, and what describes a job of each.",
        tag=_TAG,
        handler=list_issuers,
        answer=PublisherIssuer,
        paged=True,
        public=True,
    ),
    Operation(
        method="GET",
        path=_OF_PROJECT,
        name="listPublishers",
        summary="The trusted publishers of a project.",
        tag=_TAG,
        handler=list_publishers,
        answer=ProjectPublisher,
        paged=True,
        needs="see-people",
    ),
    Operation(
        method="POST",
        path=_OF_PROJECT,
        name="addPublisher",
        summary="Let a publisher publish for a project; all owners are told.",
        tag=_TAG,
        handler=add_publisher,
        body=PublisherRequest,
        answer=ProjectPublisher,
        status=201,
        needs="set-publishers",
    ),
    Operation(
        method="POST",
        path=_OF_PROJECT + "/{publisher}/confirm",
        name="confirmPublisher",
        summary="Let a publisher of a project that was unarchived publish again; all owners are told.",
        tag=_TAG,
        handler=confirm_publisher,
        answer=ProjectPublisher,
        needs="set-publishers",
        idempotent=True,
    ),
    Operation(
        method="DELETE",
        path=_OF_PROJECT + "/{publisher}",
        name="removePublisher",
        summary="Take a publisher off a project; its tokens end now, and all owners are told.",
        tag=_TAG,
        handler=remove_publisher,
        status=204,
        needs="set-publishers",
    ),
    Operation(
        method="GET",
        path=_ONLY,
        name="getPublishersOnly",
        summary="Whether only trusted publishers may upload to a project.",
        tag=_TAG,
        handler=get_publishers_only,
        answer=PublishersOnly,
        needs="see-people",
    ),
    Operation(
        method="PUT",
        path=_ONLY,
        name="setPublishersOnly",
        summary="Let only trusted publishers upload, at once; or let tokens again, in 72 hours.",
        tag=_TAG,
        handler=set_publishers_only,
        body=PublishersOnlyRequest,
        answer=PublishersOnly,
        needs="require-publishers",
    ),
    Operation(
        method="GET",
        path=_OF_ACCOUNT,
        name="listPendingPublishers",
        summary="The publishers that you have pending for projects to come.",
        tag=_TAG,
        handler=list_pending,
        answer=PendingPublisher,
        paged=True,
        needs="see-account",
    ),
    Operation(
        method="POST",
        path=_OF_ACCOUNT,
        name="addPendingPublisher",
        summary="Let a publisher make a project, which will be yours; the name is not reserved.",
        tag=_TAG,
        handler=add_pending,
        body=PendingPublisherRequest,
        answer=PendingPublisher,
        status=201,
        needs="reserve",
    ),
    Operation(
        method="DELETE",
        path=_OF_ACCOUNT + "/{publisher}",
        name="removePendingPublisher",
        summary="Withdraw a pending publisher.",
        tag=_TAG,
        handler=remove_pending,
        status=204,
        needs="manage-account",
    ),
)
