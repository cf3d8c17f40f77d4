"""Content negotiation: PEP 691 and RFC 9110 as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.views.negotiation import MAXIMUM_HEADER, choose

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
UV = f"{JSON}, {HTML};q=0.2, text/html;q=0.01"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (PIP, "v1.json"),
        (UV, "v1.json"),
        (FIREFOX, "v1.htm"),
        (None, "v1.htm"),
        ("", "v1.htm"),
        ("*/*", "v1.htm"),
        ("text/*", "v1.htm"),
        ("application/*", "v1.html"),
        ("text/html", "v1.htm"),
        (JSON, "v1.json"),
        (HTML, "v1.html"),
        ("application/vnd.pypi.simple.latest+json", "v1.json"),
        ("application/vnd.pypi.simple.latest+html", "v1.html"),
        # Order means nothing, quality everything; white space and case are free.
        (f"text/html;q=0.2,{JSON};q=0.1", "v1.htm"),
        (f"text/html ;  Q=0.2 , {JSON.upper()} ; q=0.9", "v1.json"),
        (f"{HTML}, {JSON}", "v1.json"),
        # Zero forbids, and the most specific range counts.
        (f"{JSON};q=0, */*;q=0.5", "v1.htm"),
        (f"*/*;q=0.9, text/html;q=0, {HTML};q=0", "v1.json"),
        (f"{JSON};q=0", None),
        ("application/json", None),
        ("application/vnd.pypi.simple.v2+json", None),
        ("nonsense", None),
        (f"{JSON};q=nonsense", None),
        (f"{JSON};q=7", None),
        ("x" * (MAXIMUM_HEADER + 1), None),
    ],
)
def test_the_form_follows_the_accept_header(accept: str | None, form: str | None) -> None:
    assert choose(accept) == form


@pytest.mark.parametrize(
    ("wanted", "form"),
    [(JSON, "v1.json"), (HTML, "v1.html"), ("text/html", "v1.htm"), ("*/*", None), (f"{JSON};q=1", None), ("", None)],
)
def test_the_format_parameter_beats_the_header(wanted: str, form: str | None) -> None:
    assert choose("text/html", wanted) == form
    assert choose("application/json", wanted) == form


@given(st.text(max_size=200))
def test_any_header_has_an_answer(accept: str) -> None:
    assert choose(accept) in ("v1.json", "v1.html", "v1.htm", None)
