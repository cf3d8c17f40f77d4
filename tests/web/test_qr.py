"""QR codes as SVG that a page may hold."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from affineur.core.people.totp import new_secret, provisioning_uri
from affineur.web.pages.qr import qr_svg

URI = provisioning_uri(new_secret(bytes(range(20))), "ada", "Cheese")


def test_a_code_is_svg_that_scales_and_needs_no_style() -> None:
    root = ElementTree.fromstring(qr_svg(URI))
    assert root.tag.rpartition("}")[2] == "svg"
    assert root.get("class") == "qr"
    assert root.get("viewBox")
    assert not root.get("width")
    assert all(not each.get("style") for each in root.iter())
    assert {each.get("fill") or each.get("stroke") for each in root.iter("path")} == {"#fff", "#000"}


def test_the_text_itself_is_not_in_the_markup() -> None:
    assert "otpauth" not in qr_svg(URI)
    assert "secret" not in qr_svg(URI)


def test_a_title_is_escaped() -> None:
    markup = qr_svg(URI, "<script>alert(1)</script> & more")
    assert "<script>" not in markup
    assert ElementTree.fromstring(markup) is not None


def test_what_does_not_fit_into_a_code_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"."):
        qr_svg("x" * 3000)
