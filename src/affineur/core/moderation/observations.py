"""Observations: PyPI's form of a report, so that scanners that report there can report here.

What does not live here: what a report must hold (`reports`) and the route (`web.api`).
Sources: `warehouse/api/openapi.yaml`, `warehouse/api/echo.py` and `warehouse/observations/models.py` in
pypi/warehouse, 2026: ``POST /danger-api/projects/{name}/observations`` with `MEDIA_TYPE` and ``kind``, ``summary``,
``inspector_url``; answered 202 with ``project`` and ``thanks``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from ..decision import Refused, refuse
from ..names import NormalizedName, parse_name
from ..versions import CanonicalVersion, canonical, parse_version
from .reports import Kind, Report, read_report

MEDIA_TYPE = "application/vnd.pypi.api-v0-danger+json"

THEIR_KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        "malware": "is_malware",
        "spam": "is_spam",
        "dependency-confusion": "is_dependency_confusion",
        # Warehouse has a kind of its own for look-alikes, is_typosnyper_match; its API takes only these four.
        "look-alike": "something_else",
        "other": "something_else",
    }
)
"""Each kind of report as the API calls it. ``something_else`` comes back as ``other``."""

OUR_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "is_malware": "malware",
        "is_spam": "spam",
        "is_dependency_confusion": "dependency-confusion",
        "is_typosnyper_match": "look-alike",
        "something_else": "other",
    }
)

_KNOWN = frozenset({"kind", "summary", "inspector_url", "version"})
_INSPECTED = re.compile(r"/project/([^/]+)/([^/]+)(?:/|\Z)")


def read_observation(name: str, body: object) -> Report:
    """The report in ``body``, the decoded JSON of a request about the project ``name``.

    ``inspector_url`` becomes the evidence. It may be any web address, and may be missing: theirs has to be one of
    their Inspector, and malware has to have one. ``version`` is ours (theirs has none); where it is missing, and the
    link leads to a release of this project as Inspector's do (``/project/<name>/<version>/…``), it is that release.
    All other members are kept as they are in ``extra_json``, among them ``extra``.

    `Refused` by ``report.form`` (not an object, or a member that is no text), ``report.kind``, and as `read_report`.
    """
    if not isinstance(body, Mapping):
        refuse("report.form", "The body is no JSON object.", "Send an object with kind and summary.")
    project = parse_name(name)
    link = _text(body, "inspector_url", "")
    return read_report(
        _kind(_text(body, "kind")),
        project,
        _text(body, "summary"),
        version=_text(body, "version", "") or _inspected_version(project, link),
        evidence=(link,),
        extra={str(member): value for member, value in body.items() if member not in _KNOWN},
    )


def write_observation(report: Report) -> dict[str, str]:
    """``report`` as the API takes it; the first link becomes ``inspector_url``. Other links, and extra, are left out.

    Their API takes ``inspector_url`` only where it leads to their Inspector, and asks for one with malware: whoever
    sends this on looks at the answer.
    """
    body = {"kind": THEIR_KINDS[report.kind], "summary": report.summary}
    if report.evidence:
        body["inspector_url"] = report.evidence[0]
    return body


def answer(project: NormalizedName) -> dict[str, str]:
    """What a request is answered with, status 202."""
    return {"project": project, "thanks": "for the observation"}


def _kind(text: str) -> Kind:
    if text not in OUR_KINDS:
        says = f"Say one of: {', '.join(OUR_KINDS)}."
        refuse("report.kind", "That is no kind of observation.", says, kinds=tuple(OUR_KINDS))
    return OUR_KINDS[text]


def _text(body: Mapping[object, object], member: str, default: str | None = None) -> str:
    value = body.get(member)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        refuse("report.form", f"The member {member} has to be there, and to be text.", f"Send {member} as a string.")
    return value


def _inspected_version(project: NormalizedName, link: str) -> CanonicalVersion | None:
    try:
        found = _INSPECTED.match(urlsplit(link).path)
        if found is None or parse_name(unquote(found[1])) != project:
            return None
        return canonical(parse_version(unquote(found[2])))
    except (Refused, ValueError):  # a link of another shape; whether it can be shown is judged elsewhere
        return None
