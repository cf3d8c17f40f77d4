"""The legacy upload form: what a client says about the file it sends, and whether the file says it too.

Here lives the reading of the form's fields. The form is not believed: the archive's own metadata is the
truth, and clients send approximations (one sends a fixed metadata version). Only what names the file, that is
project, version and kind, has to agree, since a client that is wrong there is about to publish something
else than it means to.

What does not live here: receiving the body, and the digests of what arrived (`actions.upload` compares them).
Source: the upload API as documented by PyPA; `index-standards` §6.1 and §6.3 in the project's reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from ..decision import refuse
from ..names import NormalizedName, parse_name
from ..versions import CanonicalVersion, canonical, order_key, parse_version
from .acceptance import quoted
from .distribution import Distribution
from .filenames import Kind
from .metadata import MAXIMUM_VERSION_LENGTH

_DIGESTS = {
    "md5_digest": ("MD5", re.compile(r"[0-9a-f]{32}", re.ASCII)),
    "sha256_digest": ("SHA256", re.compile(r"[0-9a-f]{64}", re.ASCII)),
    "blake2_256_digest": ("Blake2", re.compile(r"[0-9a-f]{64}", re.ASCII)),
}
_KINDS = frozenset({"sdist", "bdist_wheel"})
_NO_REGISTRATION = "Project pre-registration is no longer required or supported, upload your files instead."
_GONE = {
    "submit": _NO_REGISTRATION,
    "submit_pkg_info": _NO_REGISTRATION,
    "doc_upload": "Uploading documentation is no longer supported.",
}
_CONTROL_FIELDS = frozenset(
    {
        ":action",
        "protocol_version",
        "filetype",
        "pyversion",
        "name",
        "version",
        "metadata_version",
        "comment",
        "gpg_signature",
        "attestations",
        *_DIGESTS,
    }
)
_SINGLE_FIELDS = frozenset(
    {
        "summary",
        "description",
        "description_content_type",
        "keywords",
        "home_page",
        "download_url",
        "author",
        "author_email",
        "maintainer",
        "maintainer_email",
        "license",
        "license_expression",
        "requires_python",
    }
)
# Singular here, plural in some clients; both are one field.
_SPELLINGS = {
    "platforms": "platform",
    "supported_platforms": "supported_platform",
    "license_files": "license_file",
    "import_names": "import_name",
    "import_namespaces": "import_namespace",
}
_MULTIPLE_FIELDS = frozenset(
    {
        "classifiers",
        "dynamic",
        "project_urls",
        "provides_extra",
        "requires_dist",
        "requires_external",
        "provides_dist",
        "obsoletes_dist",
        "requires",
        "provides",
        "obsoletes",
        *_SPELLINGS.values(),
    }
)


@dataclass(frozen=True, slots=True)
class UploadForm:
    """The form's fields, blank ones left out.

    Digests are lower-case hex, None where not given. ``pyversion`` is ``source`` for an sdist and "" for a
    wheel whose client left it out. ``descriptive`` has the metadata fields under their singular-where-PyPI-is
    names, each with all values in order; nothing is decided by them.
    """

    action: str
    protocol_version: str
    filetype: Kind
    pyversion: str
    name: str
    normalized_name: NormalizedName
    version: CanonicalVersion
    metadata_version: str | None
    md5_digest: str | None
    sha256_digest: str | None
    blake2_256_digest: str | None
    comment: str
    has_gpg_signature: bool
    attestations: str | None
    descriptive: Mapping[str, tuple[str, ...]]


def read_form(fields: Iterable[tuple[str, str]]) -> UploadForm:
    """The form in ``fields``, pairs of name and text as they came (the file part left out).

    Blank values and ``UNKNOWN`` count as absent; fields that nobody knows are ignored. `Refused` with
    ``form.action``, ``form.action-gone`` (410 on the wire), ``form.protocol-version``, ``form.filetype``,
    ``form.digest``, ``form.required``, ``form.repeated``, ``form.pyversion``, ``form.version``,
    ``name.format`` or ``version.format``.
    """
    given = _given(fields)
    single = {name: _only(name, values) for name, values in given.items() if name in _CONTROL_FIELDS}
    action = _action(single.get(":action", ""))
    protocol_version = single.get("protocol_version", "1")
    if protocol_version != "1":
        refuse("form.protocol-version", "Unknown protocol version.", "Send protocol_version 1, or leave it out.")
    filetype = _filetype(single.get("filetype", ""))
    digests = {name: _digest(name, single.get(name)) for name in _DIGESTS}
    if not any(digests.values()):
        refuse("form.digest", "Include at least one message digest.", "Send sha256_digest as 64 hex digits.")
    name = _required("name", single)
    return UploadForm(
        action=action,
        protocol_version=protocol_version,
        filetype=filetype,
        pyversion=_pyversion(filetype, single.get("pyversion", "")),
        name=name,
        normalized_name=parse_name(name),
        version=_version(_required("version", single)),
        metadata_version=single.get("metadata_version"),
        comment=single.get("comment", ""),
        has_gpg_signature="gpg_signature" in single,
        attestations=single.get("attestations"),
        descriptive=MappingProxyType(_descriptive(given)),
        **digests,
    )


def agree(form: UploadForm, distribution: Distribution) -> None:
    """Require that form and file name one project, version and kind.

    `Refused` with ``form.name``, ``form.version`` or ``form.filetype``; other fields are never compared.
    """
    file = distribution.filename
    if form.filetype != file.kind:
        refuse(
            "form.filetype",
            f"The form says {quoted(form.filetype)}, but {quoted(file.filename)} is a {file.kind}.",
            "Let the client read the kind from the file, or correct filetype.",
        )
    if form.normalized_name != file.name:
        refuse(
            "form.name",
            f"The form says project {quoted(form.name)}, but {quoted(file.filename)} is of project "
            f"{quoted(file.name)}.",
            "Send the name that is in the file's metadata.",
        )
    if order_key(form.version) != file.parsed_version:
        refuse(
            "form.version",
            f"The form says version {quoted(form.version)}, but {quoted(file.filename)} is of version "
            f"{quoted(file.version)}.",
            "Send the version that is in the file's metadata.",
        )


def _given(fields: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """All values that say something, by field."""
    given: dict[str, list[str]] = {}
    for name, value in fields:
        field = _SPELLINGS.get(name, name)
        known = field in _CONTROL_FIELDS or field in _SINGLE_FIELDS or field in _MULTIPLE_FIELDS
        if known and value.strip() not in ("", "UNKNOWN"):
            given.setdefault(field, []).append(value.replace("\x00", "\\x00"))
    return given


def _only(name: str, values: list[str]) -> str:
    """The one value of a field; two that differ leave open which is meant."""
    if any(value != values[0] for value in values):
        refuse("form.repeated", f"Invalid value for {name}. Error: it is given twice.", "Send it once.")
    return values[0].strip()


def _required(name: str, single: Mapping[str, str]) -> str:
    if name not in single:
        refuse("form.required", f"Invalid value for {name}. Error: This field is required.", f"Send {name}.")
    return single[name]


def _version(text: str) -> CanonicalVersion:
    if len(text) > MAXIMUM_VERSION_LENGTH:
        reason = f"Invalid value for version. Error: {quoted(text)} is too long."
        refuse("form.version", reason, f"Use at most {MAXIMUM_VERSION_LENGTH} characters.")
    return canonical(parse_version(text))


def _action(action: str) -> str:
    if action in _GONE:
        refuse("form.action-gone", _GONE[action])
    if action != "file_upload":
        refuse(
            "form.action",
            f"Unknown action {quoted(action)}.",
            "Send ':action' as 'file_upload', in the form or in the query.",
        )
    return action


def _filetype(filetype: str) -> Kind:
    if filetype not in _KINDS:
        refuse(
            "form.filetype",
            "Invalid value for filetype. Error: Use a known file type.",
            "It is 'sdist' or 'bdist_wheel'.",
        )
    return cast("Kind", filetype)


def _pyversion(filetype: Kind, pyversion: str) -> str:
    """For an sdist ``source``, also where it was left out. For a wheel, its file name will tell."""
    if filetype == "bdist_wheel":
        return pyversion
    if pyversion not in ("", "source"):
        refuse(
            "form.pyversion",
            "Invalid value for pyversion. Error: Use 'source' as Python version for an sdist.",
            "Send 'source', or leave it out.",
        )
    return "source"


def _digest(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    algorithm, shape = _DIGESTS[name]
    digest = value.lower()
    if not shape.fullmatch(digest):
        refuse(
            "form.digest",
            f"Invalid value for {name}. Error: Use a valid, hex-encoded, {algorithm} message digest.",
            "Base64 is not accepted.",
        )
    return digest


def _descriptive(given: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(values[:1] if name in _SINGLE_FIELDS else values)
        for name, values in given.items()
        if name not in _CONTROL_FIELDS
    }
