"""The company's groups: what they come to on this index, and what that changes for somebody who signs in.

A rule says what one group is worth: an office, a role on a project, or only that its people may come in. At each
sign-in what somebody has is compared with what is due to them. Only what groups gave is ever taken back; what a
person gave by hand stays as it is.
What does not live here: who somebody is at their company (`company_identity`), and asking it (`shell.company`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn

from ..decision import Decision, Refused, allow, deny, refuse
from ..distributions.acceptance import quoted
from ..names import NormalizedName, parse_name
from ..permissions import Office, Role
from .offices import OFFICES

LONGEST_GROUP = 500
"""Characters. Groups of directories are named by whole paths (``cn=…,ou=…,dc=…``)."""

_ROLES: tuple[Role, ...] = ("owner", "maintainer")
_MEMBER = "member"


@dataclass(frozen=True, slots=True)
class GroupRule:
    """What the people of ``group`` get: an office, or a role on a project; neither: they may come in."""

    group: str
    office: Office | None = None
    role: Role | None = None
    project: NormalizedName | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What somebody's groups come to."""

    office: Office | None = None
    roles: Mapping[NormalizedName, Role] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody has. ``given_office`` is the office that groups gave last.

    ``roles``: of each project the role, and whether groups gave it.
    """

    office: Office | None = None
    given_office: Office | None = None
    roles: Mapping[NormalizedName, tuple[str, bool]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A role that groups give (``after``), change, or take back (``after`` is None)."""

    project: NormalizedName
    before: str | None
    after: Role | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What somebody is to have from now on. ``given_office``: as in `Held`. ``roles``: those that change.

    ``kept``: projects on which the role stays although no group comes to it any more: there is no other owner.
    """

    office: Office | None
    given_office: Office | None
    roles: tuple[RoleChange, ...]
    kept: tuple[NormalizedName, ...] = ()


def parse_rules(text: str) -> tuple[GroupRule, ...]:
    """The rules of the setting ``company_groups``, in its order; `Refused` (``company.setting``) for a wrong line.

    One a line: ``group = operator`` (or ``moderator``, ``auditor``), ``group = owner of project`` (or
    ``maintainer of``), ``group = member``. The last `` = `` divides, since names of groups may have ``=`` in them.
    Empty lines, and those that begin with ``#``, say nothing.
    """
    lines = (line.strip() for line in text.splitlines())
    return tuple(_parse(line) for line in lines if line and not line.startswith("#"))


def _parse(line: str) -> GroupRule:
    group, divider, worth = line.rpartition(" = ")
    group, words = group.strip(), worth.split()
    if not divider or not group or len(group) > LONGEST_GROUP:
        _wrong(line, "it has no ' = ' between a group and what it comes to")
    if words == [_MEMBER]:
        return GroupRule(group)
    for office in OFFICES:
        if words == [office]:
            return GroupRule(group, office=office)
    if len(words) == 3 and words[1] == "of":
        for role in _ROLES:
            if words[0] == role:
                return GroupRule(group, role=role, project=_project(line, words[2]))
    return _wrong(line, f"{quoted(worth)} is no office, no role on a project, and not '{_MEMBER}'")


def _project(line: str, name: str) -> NormalizedName:
    try:
        return parse_name(name)
    except Refused:
        _wrong(line, f"{quoted(name)} cannot be the name of a project")


def admitted(rules: Collection[GroupRule], groups: Collection[str]) -> Decision:
    """Whether somebody in ``groups`` may sign in: everybody whom the company lets in, unless a rule says ``member``.

    Once one does, only the people of groups that some rule names. Refused by ``company.member``.
    """
    restricted = any(rule.office is None and rule.role is None for rule in rules)
    if not restricted or any(rule.group in groups for rule in rules):
        return allow("company.member")
    return deny(
        "company.member",
        "Your company's sign-in knows you, but you are in none of the groups that may use this index.",
        "Ask whoever runs this index which group you need, and then sign in again.",
        groups=len(groups),
    )


def due(rules: Collection[GroupRule], groups: Collection[str]) -> Due:
    """What somebody in ``groups`` should have: of several offices, or roles on a project, the strongest."""
    fitting = [rule for rule in rules if rule.group in groups]
    offices = {rule.office for rule in fitting}
    roles: dict[NormalizedName, Role] = {}
    for role in reversed(_ROLES):
        roles |= {rule.project: role for rule in fitting if rule.role == role and rule.project is not None}
    return Due(next((office for office in OFFICES if office in offices), None), roles)


def changes(
    held: Held,
    owed: Due,
    projects: Collection[NormalizedName],
    *,
    last_operator: bool,
    only_owner_of: Collection[NormalizedName] = (),
) -> Changes:
    """What to change so that somebody has what is ``owed`` to them.

    ``projects``: those of the index that rules name; a role on another one waits until it exists. ``last_operator``:
    nobody else is operator, and so this one stays so, whatever the groups say. ``only_owner_of``: the same for owners
    of projects, which would otherwise be left without anybody who could give them on.
    """
    by_hand = held.office is not None and held.office != held.given_office
    keeps = by_hand or (held.office == "operator" and owed.office != "operator" and last_operator)
    office = held.office if keeps else owed.office
    return Changes(office, None if by_hand else office, *_role_changes(held, owed, projects, only_owner_of))


def _role_changes(
    held: Held, owed: Due, projects: Collection[NormalizedName], only_owner_of: Collection[NormalizedName]
) -> tuple[tuple[RoleChange, ...], tuple[NormalizedName, ...]]:
    """The roles that change, and the projects whose only owner would have gone."""
    wanted = {project: role for project, role in owed.roles.items() if project in projects}
    found, kept = [], []
    for project in sorted({*wanted, *held.roles}):
        before, given = held.roles.get(project, (None, True))
        after = wanted.get(project)
        if not given or before == after:
            continue
        if before == "owner" and project in only_owner_of:
            kept.append(project)
        else:
            found.append(RoleChange(project, before, after))
    return tuple(found), tuple(kept)


def _wrong(line: str, why: str) -> NoReturn:
    refuse(
        "company.setting",
        f"The line {quoted(line, 200)} of the setting company_groups cannot be read: {why}.",
        "Write `group = operator`, `group = owner of project` or `group = member`.",
    )
