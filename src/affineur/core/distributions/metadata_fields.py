"""The fields of core metadata: their names, and the check each of them has to pass.

What does not live here: how the fields are read from bytes (`metadata`), and Name and Version, which no file
can do without (there too).
Sources: PyPA "Core metadata specifications"; PEP 440, 508, 639, 643, 685, 753, 794; the list of classifiers
is the package `trove-classifiers`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import cast

from packaging.metadata import InvalidMetadata, Metadata, RawMetadata
from packaging.requirements import Requirement
from trove_classifiers import classifiers as known_classifiers
from trove_classifiers import deprecated_classifiers

from ..addresses import are_email_addresses, is_web_address
from .acceptance import Findings, Rules, quoted

METADATA_VERSIONS = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")
"""All that were ever defined (there was never a 2.0)."""

MAXIMUM_SUMMARY_LENGTH = 512
MAXIMUM_LABEL_LENGTH = 32
MAXIMUM_VALUE_LENGTH = 4_096
"""Characters of a value that somebody's parser will read: shorter than the 4,300 digits that `int` takes."""

_ADDED = {
    **dict.fromkeys(("supported_platforms", "download_url", "classifiers"), "1.1"),
    **dict.fromkeys(("requires", "provides", "obsoletes"), "1.1"),
    **dict.fromkeys(("maintainer", "maintainer_email", "requires_dist", "requires_python"), "1.2"),
    **dict.fromkeys(("provides_dist", "obsoletes_dist", "requires_external", "project_urls"), "1.2"),
    **dict.fromkeys(("description_content_type", "provides_extra"), "2.1"),
    "dynamic": "2.2",
    **dict.fromkeys(("license_expression", "license_files"), "2.4"),
    **dict.fromkeys(("import_names", "import_namespaces"), "2.5"),
}
_PLURAL = {
    "classifiers": "classifier",
    "platforms": "platform",
    "supported_platforms": "supported-platform",
    "license_files": "license-file",
    "project_urls": "project-url",
    "import_names": "import-name",
    "import_namespaces": "import-namespace",
}
_FIRST = ("metadata_version", "name", "version", "summary", "description", "keywords", "home_page")
_FIELDS = (*_FIRST, "author", "author_email", "license", "platforms", *_ADDED)
_PYTHON_NAMES = {_PLURAL.get(field, field).replace("_", "-"): field for field in _FIELDS}
FIELD_NAMES = tuple(_PYTHON_NAMES)
"""Every field of core metadata, as rule ids have it: ``requires-dist``."""
_PROSE = frozenset({"description", "license", "keywords", "summary", "author", "maintainer"})
_SPELLED = {"metadata-version": "Metadata-Version", "project-url": "Project-URL"}

# What a parser of somebody else's may raise for a value nobody foresaw. RecursionError: markers nest.
_PARSER_ERRORS = (ValueError, LookupError, TypeError, AssertionError, RecursionError, MemoryError)


def heading(field: str) -> str:
    """The field's name as it stands in a file: ``requires_dist`` → ``Requires-Dist``."""
    name = _rule_name(field)
    return _SPELLED.get(name, name.title())


def python_name(heading: str) -> str | None:
    """The Python name for a lower-case heading, None for a field that core metadata does not know."""
    return _PYTHON_NAMES.get(heading)


def _rule_name(field: str) -> str:
    return _PLURAL.get(field, field).replace("_", "-")


class _Judge:
    """Says what is wrong with a field: shared shape of the refusals, so that checks read as sentences."""

    __slots__ = ("findings", "rules", "values")

    def __init__(self, values: dict[str, object], rules: Rules, findings: Findings) -> None:
        self.values, self.rules, self.findings = values, rules, findings

    def object_to(self, field: str, error: str, *ways_out: str, **facts: object) -> None:
        self.findings.judge(
            self.rules.metadata,
            f"metadata.{_rule_name(field)}",
            f"Invalid value for {heading(field)}. Error: {error}",
            *ways_out,
            **facts,
        )

    def keep(self, field: str, kept: list[str]) -> None:
        """Go on with those values of the field that passed."""
        if kept:
            self.values[field] = kept
        else:
            self.values.pop(field, None)

    def text(self, field: str) -> str:
        return cast("str", self.values.get(field, ""))

    def texts(self, field: str) -> list[str]:
        return cast("list[str]", self.values.get(field, []))


def check_fields(values: dict[str, object], rules: Rules, findings: Findings) -> None:
    """Check every field of ``values`` but Name and Version; take out what fails where that is only reported.

    ``values`` has text, lists of text, or (``project_urls``) a mapping of label to URL under Python names.
    `Refused` (``metadata.<field>``) where ``rules.metadata`` says so.
    """
    judge = _Judge(values, rules, findings)
    _check_metadata_version(judge)
    _check_lengths(judge)
    for field, check in _CHECKS.items():
        if field in values:
            check(judge, field)
    _check_license(judge)
    _check_imports(judge)


def _check_metadata_version(judge: _Judge) -> None:
    version = judge.text("metadata_version")
    if version not in METADATA_VERSIONS:
        judge.object_to(
            "metadata_version",
            f"{quoted(version)} is not a valid metadata version.",
            f"Use one of {', '.join(METADATA_VERSIONS)}; a current build backend does.",
        )
        return
    for field in sorted(judge.values.keys() & _ADDED.keys()):
        # Never refused: build tools used License-File in metadata 2.1 for years, and installers do not ask.
        if METADATA_VERSIONS.index(_ADDED[field]) > METADATA_VERSIONS.index(version):
            judge.findings.note(
                "metadata.too-new-field",
                f"{heading(field)} came with metadata version {_ADDED[field]}; this file says {version}.",
            )
            if field == "license_files":  # There it had another meaning: relative to .dist-info itself.
                del judge.values[field]


def _check_lengths(judge: _Judge) -> None:
    for field, value in list(judge.values.items()):
        if field in _PROSE:
            continue
        for item in [value] if isinstance(value, str) else list(cast("list[str]", value)):
            if len(item) > MAXIMUM_VALUE_LENGTH:
                judge.object_to(
                    field, f"{quoted(item)} is too long.", f"Use at most {MAXIMUM_VALUE_LENGTH} characters."
                )
                judge.values.pop(field, None)


def _check_summary(judge: _Judge, field: str) -> None:
    summary = judge.text(field)
    if len(summary) > MAXIMUM_SUMMARY_LENGTH:
        judge.object_to(
            field,
            f"it has {len(summary)} characters, at most {MAXIMUM_SUMMARY_LENGTH} are allowed.",
            "Say it in one sentence and move the rest into the description.",
            length=len(summary),
        )
    if _library_fault(field, summary):
        judge.object_to(field, "it must be a single line.", "Move all but the first line into the description.")
    judge.values[field] = " ".join(summary.split())[:MAXIMUM_SUMMARY_LENGTH]


def _check_email(judge: _Judge, field: str) -> None:
    given = judge.text(field)
    if not are_email_addresses(given):
        judge.object_to(
            field,
            f"{quoted(given)} is not a list of e-mail addresses.",
            "Write 'name@example.org' or 'Name <name@example.org>', several joined by commas.",
        )
        judge.values.pop(field, None)


def _check_uri(judge: _Judge, field: str) -> None:
    if not is_web_address(judge.text(field)):
        judge.object_to(
            field,
            f"{quoted(judge.text(field))} is not a valid http or https URI.",
            "Write it out in full, beginning with 'https://'.",
        )
        judge.values.pop(field, None)


def _check_project_urls(judge: _Judge, field: str) -> None:
    kept: dict[str, str] = {}
    for label, url in cast("dict[str, str]", judge.values[field]).items():
        if not label or len(label) > MAXIMUM_LABEL_LENGTH:
            judge.object_to(
                field,
                f"the label {quoted(label)} must have 1 to {MAXIMUM_LABEL_LENGTH} characters.",
                "Write 'Label, https://example.org/'.",
            )
        elif not is_web_address(url):
            judge.object_to(
                field,
                f"{quoted(url)} (label {quoted(label)}) is not a valid http or https URI.",
                "Write it out in full, beginning with 'https://'.",
            )
        else:
            kept[label] = url
    judge.values[field] = kept


def _check_classifiers(judge: _Judge, field: str) -> None:
    kept = []
    for classifier in judge.texts(field):
        if judge.rules.allow_private_classifiers and classifier.startswith("Private ::"):
            kept.append(classifier)
        elif classifier in deprecated_classifiers:
            instead = " or ".join(quoted(name) for name in deprecated_classifiers[classifier])
            judge.object_to(
                field,
                f"Classifier {quoted(classifier)} has been deprecated.",
                f"Use {instead} instead." if instead else "Remove it.",
            )
            kept.append(classifier)
        elif classifier not in known_classifiers:
            judge.object_to(
                field,
                f"Classifier {quoted(classifier)} is not a valid classifier.",
                "Remove it, or look for typing errors; the package trove-classifiers has the list.",
            )
        else:
            kept.append(classifier)
    judge.keep(field, kept)


def _check_by_library(judge: _Judge, field: str) -> None:
    """Fields that `packaging` checks, each value by itself."""
    kept = []
    for value in judge.texts(field):
        fault = _library_fault(field, value)
        if fault:
            judge.object_to(field, fault, _WAYS_OUT.get(field, ""))
        else:
            kept.append(value)
    if kept or field != "import_names":
        judge.keep(field, kept)


def _check_text_by_library(judge: _Judge, field: str) -> None:
    if fault := _library_fault(field, judge.text(field)):
        judge.object_to(field, fault, _WAYS_OUT.get(field, ""))
        judge.values.pop(field)


_WAYS_OUT = {
    "requires_python": "Write a version specifier such as '>=3.10'.",
    "dynamic": "Name fields of core metadata other than Name, Version and Metadata-Version.",
    "provides_extra": "Use only ASCII letters, digits, '.', '_' and '-'.",
    "license_files": "Give the path from the project's root, with '/', without '..'.",
    "import_names": "Write a dotted name, optionally followed by '; private'.",
    "import_namespaces": "Write a dotted name, optionally followed by '; private'.",
    "description_content_type": "Use text/plain, text/x-rst or text/markdown, in UTF-8; "
    "for Markdown the variant is GFM or CommonMark.",
}


@lru_cache(maxsize=1024)
def _library_fault(field: str, value: str) -> str | None:
    """What `packaging` says against one value of ``field``; None where it is content.

    Cached: the same few content types, extras and Python ranges come with every file.
    """
    is_list = field in _LISTS
    raw = cast("RawMetadata", {field: [value] if is_list else value})
    try:
        getattr(Metadata.from_raw(raw, validate=False), field)
    except InvalidMetadata as error:
        if field == "description_content_type":  # Its message lists a set, in an order that changes.
            return f"{quoted(value)} is not a valid content type for it."
        return quoted(str(error), 200)[1:-1] + "."
    except _PARSER_ERRORS:
        return f"{quoted(value)} can't be read."
    return None


_LISTS = frozenset({"dynamic", "provides_extra", "license_files", "import_names", "import_namespaces"})


def _check_requirements(judge: _Judge, field: str) -> None:
    """PEP 508, but no direct references: what a name on an index pulls in must come from an index."""
    kept = []
    for text in judge.texts(field):
        url = _requirement_url(text)
        if url is None:
            judge.object_to(field, f"{quoted(text)} is not a valid requirement.", "Write it as PEP 508 defines it.")
        elif url:
            judge.object_to(
                field,
                f"Can't have direct dependency: {quoted(text)}.",
                "Name a project and versions of it; direct references are for files not on an index.",
            )
            kept.append(text)
        else:
            kept.append(text)
    judge.keep(field, kept)


@lru_cache(maxsize=1024)
def _requirement_url(text: str) -> str | None:
    """The direct reference in a requirement, "" without one, None where ``text`` is no requirement."""
    try:
        return Requirement(text).url or ""
    except _PARSER_ERRORS:
        return None


def _check_license_expression(judge: _Judge, field: str) -> None:
    """PEP 639: an index must refuse an expression that is invalid or not in the canonical case."""
    from packaging.licenses import canonicalize_license_expression

    given = judge.text(field)
    try:
        canonical: str | None = canonicalize_license_expression(given)
    except _PARSER_ERRORS:
        canonical = None
    if canonical is None:
        judge.object_to(
            field,
            f"{quoted(given)} is not a valid SPDX license expression.",
            "Use identifiers of the SPDX list, joined by AND, OR and WITH, or 'LicenseRef-…'.",
        )
        judge.values.pop(field)
    elif canonical != given:
        judge.object_to(
            field,
            f"{quoted(given)} is not in its canonical form.",
            f"Write {quoted(canonical)}.",
        )
        judge.values[field] = canonical


def _check_license(judge: _Judge) -> None:
    """PEP 639: License and License-Expression exclude each other."""
    if "license" in judge.values and "license_expression" in judge.values:
        judge.object_to("license", "License and License-Expression can't be given together.", "Remove License.")
        del judge.values["license"]


def _check_imports(judge: _Judge) -> None:
    """PEP 794: no name may be both an import name and a namespace."""
    names = {entry.partition(";")[0].strip() for entry in judge.texts("import_names")}
    spaces = {entry.partition(";")[0].strip() for entry in judge.texts("import_namespaces")}
    for name in sorted(names & spaces):
        judge.object_to(
            "import_names",
            f"{quoted(name)} is also given as an Import-Namespace.",
            "Give it as one of the two.",
        )


def _check_dynamic(judge: _Judge, field: str) -> None:
    _check_by_library(judge, field)
    judge.values[field] = [name.lower() for name in judge.texts(field)]


_CHECKS: dict[str, Callable[[_Judge, str], None]] = {
    "summary": _check_summary,
    "author_email": _check_email,
    "maintainer_email": _check_email,
    "home_page": _check_uri,
    "download_url": _check_uri,
    "project_urls": _check_project_urls,
    "classifiers": _check_classifiers,
    "requires_dist": _check_requirements,
    "provides_dist": _check_requirements,
    "obsoletes_dist": _check_requirements,
    "requires_python": _check_text_by_library,
    "description_content_type": _check_text_by_library,
    "license_expression": _check_license_expression,
    "license_files": _check_by_library,
    "provides_extra": _check_by_library,
    "dynamic": _check_dynamic,
    "import_names": _check_by_library,
    "import_namespaces": _check_by_library,
}
