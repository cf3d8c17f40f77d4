"""Fields: what somebody types to describe a publisher, for each kind.

Web forms, the API and the command line are built from these definitions, and hostile input stops here.
What does not live here: how a field is compared with a claim (`matching`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .issuers import AdmittedIssuer, Kind

_UPPER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def fold(text: str) -> str:
    """``text`` with A–Z made small, and nothing else: no other letter may count as one of these (U+212A is no k)."""
    return text.translate(_UPPER)


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``rule`` is a sentence for people about what ``fits``; ``folded``: A–Z and a–z are the same."""

    name: str
    label: str
    rule: str
    example: str
    fits: Callable[[str], bool]
    required: bool = True
    folded: bool = False
    maximum_length: int = 255


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern + r"\Z", re.ASCII)
    return lambda text: compiled.match(text) is not None


def _is_line(text: str) -> bool:
    return text.isprintable()


def _is_repository(text: str) -> bool:
    return bool(re.match(r"[A-Za-z0-9._-]+\Z", text)) and text not in {".", ".."} and not text.endswith(".git")


def _is_file_name(text: str) -> bool:
    """``@`` ends the path in a reference, so none may be in it."""
    stem, _, ending = text.rpartition(".")
    return bool(stem) and ending in {"yml", "yaml"} and text.isprintable() and not set(text) & set("/\\@")


def _is_file_path(text: str) -> bool:
    *folders, name = text.split("/")
    return _is_file_name(name) and all(
        folder not in {"", ".", ".."} and folder.isprintable() and not set(folder) & set("\\@") for folder in folders
    )


def _is_github_environment(text: str) -> bool:
    return text.isprintable() and not set(text) & set("'\"`,;\\")


_SEGMENT = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*"


def _is_namespace(text: str) -> bool:
    return all(_is_gitlab_project(segment) for segment in text.split("/"))


def _is_gitlab_project(text: str) -> bool:
    return bool(re.match(_SEGMENT + r"\Z", text)) and text not in {".", ".."} and not text.endswith((".git", ".atom"))


_GITHUB = (
    Field(
        "owner",
        "Owner",
        "The name of a GitHub user or organisation: letters, digits, '-' and '_'.",
        "octo-org",
        _matching(r"[A-Za-z0-9][A-Za-z0-9_-]*"),
        folded=True,
        maximum_length=100,
    ),
    Field(
        "repository",
        "Repository",
        "The name of the repository without its owner: letters, digits, '.', '-' and '_'; no '.git' at the end.",
        "sampleproject",
        _is_repository,
        folded=True,
        maximum_length=100,
    ),
    Field(
        "workflow",
        "Workflow file",
        "The name of a file in .github/workflows/, without the folder; it ends in .yml or .yaml and has no '@'.",
        "release.yml",
        _is_file_name,
    ),
    Field(
        "environment",
        "Environment",
        "The name of a deployment environment of the repository; no quotes, commas or semicolons.",
        "release",
        _is_github_environment,
        required=False,
        folded=True,
    ),
)

_GITLAB = (
    Field(
        "namespace",
        "Namespace",
        "The user or group as in the project's address: segments of letters, digits, '_', '-' and '.', joined by '/'.",
        "octo-group/tools",
        _is_namespace,
        folded=True,
    ),
    Field(
        "project",
        "Project",
        "The project as in its address: letters, digits, '_', '-' and '.'.",
        "sampleproject",
        _is_gitlab_project,
        folded=True,
    ),
    Field(
        "workflow",
        "Pipeline file",
        "The path of the top-level pipeline file in the repository; it ends in .yml or .yaml and has no '@'.",
        ".gitlab-ci.yml",
        _is_file_path,
    ),
    Field(
        "environment",
        "Environment",
        "The name of an environment: letters, digits, spaces, '-', '_', '/', '$', '{', '}' and '.'.",
        "release",
        _matching(r"[A-Za-z0-9_/${}. -]+"),
        required=False,
    ),
)

_GOOGLE = (
    Field(
        "email",
        "E-mail address",
        "The e-mail address of the service account or user.",
        "publisher@sample.iam.example.org",
        _matching(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]+"),
    ),
    Field(
        "sub",
        "Subject",
        "The unique id of that account; where it is left out, that of the first token is kept.",
        "108222333444555666777",
        _matching(r"[!-~]+"),
        required=False,
    ),
)

_ACTIVESTATE_NAME = _matching(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ACTIVESTATE = (
    Field("organization", "Organisation", "The organisation as in its address.", "octo-org", _ACTIVESTATE_NAME),
    Field("project", "Project", "The project as in its address.", "sampleproject", _ACTIVESTATE_NAME),
    Field(
        "actor_id",
        "Actor id",
        "The id of the account whose builds may publish: a UUID in small letters.",
        "00000000-0000-1000-8000-000000000002",
        _matching(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ),
    Field("ingredient", "Ingredient", "The name of the ingredient.", "sampleproject", _is_line, required=False),
)

_FIELDS: Mapping[Kind, tuple[Field, ...]] = MappingProxyType(
    {"github": _GITHUB, "gitlab": _GITLAB, "google": _GOOGLE, "activestate": _ACTIVESTATE}
)

_PINS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        # A name that is given up may be taken by somebody else; these ids are not given out again.
        "github": ("repository_owner_id", "repository_id"),
        "gitlab": ("namespace_id", "project_id"),
        "google": ("sub",),
        # actor_id, which everybody gives, is such an id.
        "activestate": (),
    }
)


def fields_of(issuer: AdmittedIssuer) -> tuple[Field, ...]:
    """The fields of a publisher of ``issuer``, in the order in which people are asked for them."""
    if issuer.kind != "oidc":
        return _FIELDS[issuer.kind]
    return tuple(_claim_field(claim, claim in issuer.claims) for claim in (*issuer.claims, *issuer.optional))


def pins_of(issuer: AdmittedIssuer) -> tuple[str, ...]:
    """The claims whose values are learned from a publisher's first token."""
    return issuer.pins if issuer.kind == "oidc" else _PINS[issuer.kind]


def _claim_field(claim: str, required: bool) -> Field:
    rule = f"The exact value of the claim {claim}: one line."
    return Field(claim, claim, rule, "value", _is_line, required, maximum_length=500)
