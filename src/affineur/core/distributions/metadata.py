"""Core metadata: what METADATA or PKG-INFO says, read from its bytes and checked.

Here live the value (`CoreMetadata`) and the way from bytes to it: decoding, splitting the header from the
description, and taking each field through its check. What the checks of single fields are is in
`metadata_fields`; whether the archive agrees (file name, licence files) is in `distribution`.

Sources: PyPA "Core metadata specifications" (1.0 to 2.6); PEP 566, 639, 643, 685, 753, 794, 808.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from packaging.metadata import parse_email

from ..decision import refuse
from ..names import NormalizedName, parse_name
from ..versions import CanonicalVersion, canonical, parse_version
from . import metadata_fields as fields
from .acceptance import UPLOADED, Findings, Rules, quoted

# Where the header ends: the first empty line. A lone CR ends a line too, for the e-mail parser.
_END_OF_HEADER = re.compile(r"(?:\A|\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)")
_END_OF_LINE = re.compile(r"\r\n|\r|\n")
_FIELD = re.compile(r"([!-9;-~]{1,80}):|[ \t]")
# Descriptions in a header are indented by eight spaces, or by seven and a bar (core metadata 1.0, 1.1).
_INDENT = re.compile(r"\n(?: {7}[ |]|[ \t]+)")

MAXIMUM_HEADER_LINES = 20_000
"""Fields, not counting folded lines. Reading is O(fields × distinct names), so both are bounded; the largest
known projects come to some 2,000 fields."""
MAXIMUM_LINE_LENGTH = 128 * 1024
"""Characters of a line of the header. The longest licence texts on one line have some 35,000."""
MAXIMUM_VERSION_LENGTH = 200
"""Characters. A file name has to hold it beside the project's name."""
MAXIMUM_FIELD_NAMES = 200
"""Distinct names of fields; the specification knows 33."""

_SHORTEN = "Shorten it: the description above all, which may link to what it leaves out."


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """The fields of one file, cleaned: no blank values, no ``UNKNOWN``, NUL written as ``\\x00``.

    ``name`` is spelled as its author spells it; ``normalized_name`` is its PEP 503 form. Requirements and
    classifiers keep their order and spelling. ``keywords`` are joined by commas. ``project_urls`` are pairs
    of label and URL. ``import_names`` is None where the field is absent, empty where it says "none".
    """

    metadata_version: str
    name: str
    normalized_name: NormalizedName
    version: CanonicalVersion
    summary: str | None = None
    description: str | None = None
    description_content_type: str | None = None
    keywords: str | None = None
    home_page: str | None = None
    download_url: str | None = None
    author: str | None = None
    author_email: str | None = None
    maintainer: str | None = None
    maintainer_email: str | None = None
    license: str | None = None
    license_expression: str | None = None
    license_files: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    supported_platforms: tuple[str, ...] = ()
    requires_python: str | None = None
    requires_dist: tuple[str, ...] = ()
    requires_external: tuple[str, ...] = ()
    provides_extra: tuple[str, ...] = ()
    provides_dist: tuple[str, ...] = ()
    obsoletes_dist: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    project_urls: tuple[tuple[str, str], ...] = ()
    dynamic: tuple[str, ...] = ()
    import_names: tuple[str, ...] | None = None
    import_namespaces: tuple[str, ...] | None = None


_RESOLVER_FIELDS = frozenset({"name", "version", "requires-dist", "requires-python", "provides-extra"})


def resolver_fields_are_static(metadata: CoreMetadata) -> bool:
    """Whether an sdist's PKG-INFO already says what a wheel built from it will say to a resolver.

    PEP 643: from 2.2 on, a field that is not named in Dynamic has in every wheel the value it has here.
    """
    major, _, minor = metadata.metadata_version.partition(".")
    at_least_2_2 = major.isdecimal() and minor.isdecimal() and (int(major), int(minor)) >= (2, 2)
    return at_least_2_2 and _RESOLVER_FIELDS.isdisjoint(metadata.dynamic)


def check_metadata(raw: bytes, rules: Rules = UPLOADED, findings: Findings | None = None) -> CoreMetadata:
    """The metadata in ``raw``, the bytes of a METADATA or PKG-INFO file.

    `Refused` with ``metadata.<field>`` (``metadata.summary``, ``metadata.requires-dist`` …),
    ``metadata.encoding``, ``metadata.format``, ``metadata.repeated`` or ``metadata.size``. Where
    ``rules.metadata`` is "report", a field that fails its check is left out and reported to ``findings``;
    a missing or malformed Name or Version is refused all the same.
    """
    findings = Findings() if findings is None else findings
    if len(raw) > rules.maximum_metadata_bytes:
        refuse(
            "metadata.size",
            f"The metadata has {len(raw)} bytes; at most {rules.maximum_metadata_bytes} are read.",
            _SHORTEN,
            size_bytes=len(raw),
        )
    header, body = _split(_decode(raw, rules, findings), rules, findings)
    values = _read_header(header, rules, findings)
    if body.strip():
        if "description" in values:
            _judge_repeated("description", rules, findings)
        values["description"] = body
    return _checked(_cleaned(values), rules, findings)


def _decode(raw: bytes, rules: Rules, findings: Findings) -> str:
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        findings.judge(
            rules.metadata,
            "metadata.encoding",
            f"The metadata is not UTF-8 (byte {error.start}).",
            "Save the project's description and configuration as UTF-8 and build again.",
            position=error.start,
        )
        return raw.decode("latin-1")


def _split(text: str, rules: Rules, findings: Findings) -> tuple[str, str]:
    """Header and description, split where the e-mail parser would split them.

    It ends the header at the first empty line, or, silently, at the first line that is no header field;
    all fields after that are lost to every reader, which is worth saying to the author.
    """
    end = _END_OF_HEADER.search(text)
    header, body = (text[: end.start()], text[end.end() :]) if end else (text, "")
    fields_seen, names = 0, set()
    position = 0
    for line in _END_OF_LINE.split(header):
        if len(line) > MAXIMUM_LINE_LENGTH:
            refuse("metadata.size", "The metadata has a line that is too long.", _SHORTEN, length=len(line))
        match = _FIELD.match(line)
        if match is None or (match[1] is None and not fields_seen):
            if line:
                _judge_broken_header(line, rules, findings)
            return header[:position], text[position:]
        if match[1] is not None:
            fields_seen += 1
            names.add(match[1].lower())
            if fields_seen > MAXIMUM_HEADER_LINES or len(names) > MAXIMUM_FIELD_NAMES:
                refuse("metadata.size", "The metadata has too many fields.", _SHORTEN, fields=fields_seen)
        position += len(line)
        position += 2 if header.startswith("\r\n", position) else 1
    return header, body


def _judge_broken_header(line: str, rules: Rules, findings: Findings) -> None:
    findings.judge(
        rules.metadata,
        "metadata.format",
        f"The metadata has a line that is no field: {quoted(line)}. Fields after it are not read by anyone.",
        "Remove line breaks from single-line values such as the summary and the licence, and build again.",
    )


def _judge_repeated(field: str, rules: Rules, findings: Findings) -> None:
    findings.judge(
        rules.metadata,
        "metadata.repeated",
        f"{fields.heading(field)} may be given only once.",
        "Remove the others.",
    )


def _read_header(header: str, rules: Rules, findings: Findings) -> dict[str, object]:
    """The header's fields under their Python names; a repeated single field has its first value."""
    parsed, unparsed = parse_email(header)
    values = cast("dict[str, object]", dict(parsed))
    for heading, given in unparsed.items():
        field = fields.python_name(heading)
        if field is None:
            findings.note("metadata.unknown-field", f"{quoted(heading)} is no field of core metadata.")
        elif field == "project_urls":
            # Two URLs under one label. No rule forbids it; the last one would win, as in any mapping.
            findings.note("metadata.project-url", "Two Project-URLs have the same label.")
            pairs = (entry.partition(",") for entry in reversed(given))
            values[field] = {label.strip(): url.strip() for label, _, url in pairs}
        elif field != "description" or len(given) > 1:
            _judge_repeated(field, rules, findings)
            values[field] = [given[0]] if field == "keywords" else given[0]
    if isinstance(folded := values.get("description"), str):
        values["description"] = _INDENT.sub("\n", folded)
    return values


def _cleaned(values: Mapping[str, object]) -> dict[str, object]:
    """Without values that say nothing: blank ones, and the ``UNKNOWN`` that old build tools wrote."""
    cleaned: dict[str, object] = {}
    for field, value in values.items():
        if isinstance(value, str):
            kept: object = _cleaned_text(field, value)
        elif isinstance(value, list):
            kept = [text for item in value if (text := _cleaned_text(field, item))]
        elif isinstance(value, dict):
            kept = {_one_line(label): _one_line(url) for label, url in value.items()}
        else:
            kept = None
        if kept or field == "import_names":
            cleaned[field] = kept
    return cleaned


def _cleaned_text(field: str, value: str) -> str:
    value = value.replace("\x00", "\\x00")
    if field == "description":
        return value if value.strip() != "UNKNOWN" else ""
    if field == "license":
        value = _INDENT.sub("\n", _END_OF_LINE.sub("\n", value)).strip()
    else:
        value = value.strip() if field == "summary" else _one_line(value)
    return "" if value == "UNKNOWN" else value


def _one_line(value: str) -> str:
    value = value.strip().replace("\x00", "\\x00")
    return " ".join(value.split()) if "\n" in value or "\r" in value else value


def _identity(values: Mapping[str, object], rules: Rules) -> tuple[NormalizedName, CanonicalVersion]:
    """Name and Version: without them, nothing can be said about a file, so they are never merely reported."""
    for field in ("name", "version"):
        if field not in values:
            refuse(
                f"metadata.{field}",
                f"The metadata has no {fields.heading(field)}.",
                "Give it in the project's configuration, or mend the build backend's, and build again.",
            )
    text = str(values["version"])
    if len(text) > MAXIMUM_VERSION_LENGTH:
        refuse(
            "metadata.version",
            f"{quoted(text)} is an invalid value for Version.",
            f"Use at most {MAXIMUM_VERSION_LENGTH} characters.",
            length=len(text),
        )
    version = parse_version(text)
    if version.local is not None and not rules.allow_local_versions:
        refuse(
            "metadata.version",
            f"The use of local versions in {quoted(canonical(version))} is not allowed.",
            f"Publish it as {quoted(version.public)}, or ask the operator to allow local versions.",
        )
    return parse_name(str(values["name"])), canonical(version)


def _checked(values: dict[str, object], rules: Rules, findings: Findings) -> CoreMetadata:
    name, version = _identity(values, rules)
    fields.check_fields(values, rules, findings)
    plain: dict[str, object] = {}
    for field, value in values.items():
        if field == "keywords":
            plain[field] = ",".join(cast("list[str]", value))
        elif isinstance(value, list):
            plain[field] = tuple(value)
        elif isinstance(value, dict):
            plain[field] = tuple(value.items())
        else:
            plain[field] = value
    plain.update(normalized_name=name, version=version)
    plain.setdefault("metadata_version", "")
    return CoreMetadata(**plain)  # type: ignore[arg-type]
