"""Caveats: what a token may do. Each one takes something away; all of them together are a `Grant`.

A caveat is a JSON array ``[tag, fields…]``. Numbers as tags are those of the index this format comes from
(``warehouse/macaroons/caveats``); our own tags are words, which no number given there later can collide with:

====================================  =====================================================================
``[0, expires_at, not_before]``       seconds since 1970 (UTC); valid while ``not_before <= now < expires_at``
``[1, [names]]``                      these projects only, by normalised name
``[2, [ids]]``                        these projects only, by id: a name that was freed is not meant
``[3, account_id]``                   only while it is this account that acts
``[4, publisher_id]``                 only as this trusted publisher; may carry claims, which decide nothing
``["actions", [actions]]``            these actions only
====================================  =====================================================================

What does not live here: how caveats are bound to a token (`macaroons`), and what its account may do (`access`): a
grant bounds that, and never adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

import orjson

from ..decision import Decision, deny
from ..names import NormalizedName, is_normalized

TokenAction = Literal["upload", "yank", "archive", "read", "manage"]
ALL_ACTIONS: frozenset[TokenAction] = frozenset(get_args(TokenAction))

_EXPIRY, _PROJECTS, _PROJECT_IDS, _ACCOUNT, _PUBLISHER = range(5)
_ACTIONS = "actions"
_LAST_SECOND = 253_402_300_799
"""9999-12-31 23:59:59 UTC, the last one that a `datetime` can hold."""

_ORDER: tuple[TokenAction, ...] = get_args(TokenAction)
_MOST_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token's caveats leave. None: not narrowed in this respect; an empty set: nothing is left.

    Where ``projects`` and ``project_ids`` are both given, a project has to be in both. Moments are aware UTC, whole
    seconds; valid while ``not_before <= now < expires_at``.
    """

    account_id: str | None = None
    publisher_id: str | None = None
    projects: frozenset[NormalizedName] | None = None
    project_ids: frozenset[str] | None = None
    actions: frozenset[TokenAction] = ALL_ACTIONS
    expires_at: datetime | None = None
    not_before: datetime | None = None


def expiry(expires_at: datetime, not_before: datetime) -> bytes:
    """Valid from ``not_before`` (included) to ``expires_at`` (excluded), aware moments.

    The format's unit is the whole second; both are rounded down, so that a token never outlives what was asked for,
    and works as soon as it is made. ValueError for a moment without time zone or before 1970.
    """
    return orjson.dumps([_EXPIRY, _seconds(expires_at), _seconds(not_before)])


def for_projects(names: Iterable[NormalizedName]) -> bytes:
    """For the projects of these normalised names only. None of them: for no project."""
    return orjson.dumps([_PROJECTS, sorted(set(names))])


def for_project_ids(ids: Iterable[str]) -> bytes:
    """For the projects with these ids only. None of them: for no project."""
    return orjson.dumps([_PROJECT_IDS, sorted(set(ids))])


def for_account(account_id: str) -> bytes:
    """Only while it is this account that acts."""
    return orjson.dumps([_ACCOUNT, account_id])


def for_publisher(publisher_id: str) -> bytes:
    """Only as this trusted publisher."""
    return orjson.dumps([_PUBLISHER, publisher_id])


def for_actions(actions: Iterable[TokenAction]) -> bytes:
    """For these actions only. None of them: for nothing at all."""
    return orjson.dumps([_ACTIONS, sorted(set(actions))])


def granted(caveats: Iterable[bytes], now: datetime) -> Grant | Decision:
    """What all ``caveats`` together leave at ``now`` (aware): a `Grant`, or the `Decision` that refuses the token.

    Denies with ``token.caveat`` what `limits` cannot read, ``token.expired`` and ``token.not-yet``.
    """
    grant = limits(caveats)
    if isinstance(grant, Decision):
        return grant
    if grant.expires_at is not None and now >= grant.expires_at:
        return deny(
            "token.expired",
            f"The token expired at {_moment(grant.expires_at)}.",
            "Make a new one.",
            expires_at=grant.expires_at,
        )
    if grant.not_before is not None and now < grant.not_before:
        return deny(
            "token.not-yet",
            f"The token is not valid before {_moment(grant.not_before)}.",
            "Wait until then, or make a new one.",
            not_before=grant.not_before,
        )
    return grant


def limits(caveats: Iterable[bytes]) -> Grant | Decision:
    """What all ``caveats`` together leave, whatever the time: for showing a token, and for `granted`.

    Denies with ``token.caveat`` where one is no JSON, has an unknown tag, a field too few or too many or of another
    type, or contradicts another. The format adds fields at the end only; but a field that is not known here may be a
    limit, and to pass over a limit would be to grant more than was given.
    """
    left = _Left()
    try:
        for caveat in caveats:
            left.take(caveat)
    except _Unfit as unfit:
        return deny(
            "token.caveat",
            f"The token is limited in a way this index cannot follow: {unfit}.",
            "Make a new token here, and narrow it only in the ways this index describes.",
        )
    return left.grant()


def describe(grant: Grant) -> str:
    """One sentence for people: what the token may do, where, and when. It shows no text that a holder chose."""
    if grant_is_empty(grant):
        return "This token may do nothing: its limits exclude each other."
    start = "" if grant.not_before is None else f", from {_moment(grant.not_before)}"
    end = ", without end" if grant.expires_at is None else f", until {_moment(grant.expires_at)}"
    return f"This token may {scope_of(grant)}{start}{end}."


def grant_is_empty(grant: Grant) -> bool:
    """Whether nothing is left: no action, or no project to do it to."""
    return not grant.actions or grant.projects == frozenset() or grant.project_ids == frozenset()


def scope_of(grant: Grant) -> str:
    """What a token may do and where, as the end of "It may …": ``upload and read, for all projects``."""
    if grant_is_empty(grant):
        return "do nothing"
    verbs = [action for action in _ORDER if action in grant.actions]
    what = "do everything its account may do" if grant.actions == ALL_ACTIONS else _listed(verbs)
    if grant.publisher_id is not None:
        what = what.replace("its account", "its trusted publisher")
    where = "for all projects"
    if grant.projects is not None:
        where = f"for {_listed(sorted(grant.projects))}"
    if grant.project_ids is not None:
        count = len(grant.project_ids)
        by_id = f"{count} project{'' if count == 1 else 's'} known by id"
        where = f"for {by_id}" if grant.projects is None else f"{where} (among {by_id})"
    return f"{what}, {where}"


class _Unfit(Exception):
    """A caveat that cannot be followed; the message is the end of a sentence."""


class _Left:
    """What the caveats that were taken so far leave. Grows narrower, and is then frozen as a `Grant`."""

    __slots__ = ("account", "actions", "ends", "of_an_account", "project_ids", "projects", "publisher", "starts")

    def __init__(self) -> None:
        self.account: str | None = None
        self.publisher: str | None = None
        self.of_an_account = False
        self.projects: frozenset[str] | None = None
        self.project_ids: frozenset[str] | None = None
        self.actions: frozenset[TokenAction] = ALL_ACTIONS
        self.ends: int | None = None
        self.starts: int | None = None

    def take(self, caveat: bytes) -> None:
        """Narrow by ``caveat``; `_Unfit` where it cannot be followed."""
        try:
            value = orjson.loads(caveat)
        except orjson.JSONDecodeError:
            raise _Unfit("a caveat is not JSON") from None
        if type(value) is dict:
            self._legacy(value)
            return
        if type(value) is not list or not value:
            raise _Unfit("a caveat is not an array with a tag")
        tag = value[0]
        # By type first: as keys of a mapping, `false` and `0.0` are the same as 0.
        narrowing = _NARROWINGS.get(tag) if type(tag) is int or type(tag) is str else None
        if narrowing is None:
            raise _Unfit("a caveat is of an unknown kind")
        if len(value) != 2 + (tag == _EXPIRY) and not (tag == _PUBLISHER and len(value) == 3):
            raise _Unfit("a caveat has a field too few or too many")
        narrowing(self, *value[1:])

    def grant(self) -> Grant:
        """The frozen form; `limits` has seen to it that names are normalised."""
        return Grant(
            self.account,
            self.publisher,
            self.projects,  # type: ignore[arg-type]  # `within_projects` lets normalised names in only
            self.project_ids,
            self.actions,
            None if self.ends is None else datetime.fromtimestamp(self.ends, UTC),
            None if self.starts is None else datetime.fromtimestamp(self.starts, UTC),
        )

    def within_time(self, ends: object, starts: object) -> None:
        if type(ends) is not int or type(starts) is not int:
            raise _Unfit("the validity is not given in whole seconds")
        if not (0 <= ends <= _LAST_SECOND and 0 <= starts <= _LAST_SECOND):
            raise _Unfit("the validity lies outside the years 1970 to 9999")
        self.ends = ends if self.ends is None or ends < self.ends else self.ends
        self.starts = starts if self.starts is None or starts > self.starts else self.starts

    def within_projects(self, names: object) -> None:
        found = _texts(names, "names of projects")
        if not all(map(is_normalized, found)):
            raise _Unfit("a project's name is not in its normalised form")
        self.projects = found if self.projects is None else self.projects & found

    def within_project_ids(self, ids: object) -> None:
        found = _texts(ids, "ids of projects")
        self.project_ids = found if self.project_ids is None else self.project_ids & found

    def within_actions(self, actions: object) -> None:
        found = _texts(actions, "actions")
        if not found <= ALL_ACTIONS:
            raise _Unfit("an action is unknown")
        self.actions &= found

    def by_account(self, account: object) -> None:
        if type(account) is not str:
            raise _Unfit("an account's id is not a text")
        if self.publisher is not None or (self.account is not None and self.account != account):
            raise _Unfit("it is bound to more than one identity")
        self.account = account

    def by_publisher(self, publisher: object, claims: object = None) -> None:
        # The claims of the token it was exchanged for were once noted here. They never limited anything.
        if type(publisher) is not str or (claims is not None and type(claims) is not dict):
            raise _Unfit("a publisher's id is not a text, or its claims are no object")
        if self.account is not None or self.of_an_account:
            raise _Unfit("it is bound to more than one identity")
        if self.publisher is not None and self.publisher != publisher:
            raise _Unfit("it is bound to more than one identity")
        self.publisher = publisher

    def by_any_account(self) -> None:
        if self.publisher is not None:
            raise _Unfit("it is bound to more than one identity")
        self.of_an_account = True

    def _legacy(self, value: dict[str, object]) -> None:
        """The forms from before tags: objects, which tools that narrow offline still write."""
        permissions = value.get("permissions")
        keys = value.keys()
        if keys == {"version", "permissions"} and type(value["version"]) is int and value["version"] == 1:
            if permissions == "user":  # "the user": whose token it is, which the look-up by identifier tells
                self.by_any_account()
                return
            if type(permissions) is dict and permissions.keys() == {"projects"}:
                self.within_projects(permissions["projects"])
                return
        elif keys == {"nbf", "exp"}:
            self.within_time(value["exp"], value["nbf"])
            return
        elif keys == {"project_ids"}:
            self.within_project_ids(value["project_ids"])
            return
        raise _Unfit("a caveat is an object of an unknown kind")


_NARROWINGS: dict[int | str, Callable[..., None]] = {
    _EXPIRY: _Left.within_time,
    _PROJECTS: _Left.within_projects,
    _PROJECT_IDS: _Left.within_project_ids,
    _ACCOUNT: _Left.by_account,
    _PUBLISHER: _Left.by_publisher,
    _ACTIONS: _Left.within_actions,
}


def _texts(value: object, what: str) -> frozenset[str]:
    if type(value) is not list or not all(type(one) is str for one in value):
        raise _Unfit(f"the {what} are not a list of texts")
    return frozenset(value)


def _seconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("A validity needs moments with a time zone.")
    seconds = int(moment.replace(microsecond=0).timestamp())
    if not 0 <= seconds <= _LAST_SECOND:
        raise ValueError("A validity lies in the years 1970 to 9999.")
    return seconds


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _listed(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; after a few of them, how many more there are."""
    shown = list(words)
    if len(shown) > _MOST_NAMES_SHOWN:
        shown[_MOST_NAMES_SHOWN - 1 :] = [f"{len(shown) - _MOST_NAMES_SHOWN + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
