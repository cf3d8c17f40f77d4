"""QR codes as inline SVG. What does not live here: what is written into them (`core.people.totp.provisioning_uri`)."""

from __future__ import annotations

import segno


def qr_svg(text: str, title: str = "QR code") -> str:
    """``text`` as SVG markup to be put into a page as it is, sized by its class ``qr``.

    Black on white in dark pages too, with the quiet zone of four modules that ISO/IEC 18004 asks for: some cameras
    read nothing else. No style attribute, so that a strict Content-Security-Policy holds; the text itself is not in
    the markup. Raises ValueError for over some 2,300 bytes.
    """
    code = segno.make(text, error="m", micro=False)
    return code.svg_inline(
        border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True, title=title
    )
