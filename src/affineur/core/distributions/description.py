"""Project descriptions: from what an author wrote to HTML that is safe to show.

Rendering and cleaning are `readme_renderer`'s (docutils for reStructuredText, comrak for Markdown, nh3 against
scripts). What does not live here: whether images of other hosts are loaded (`web.pages` decides when showing).
"""

from __future__ import annotations

import html
from email.message import Message
from functools import lru_cache

from ..decision import refuse

_REMEMBERED_UP_TO = 64 * 1024
MAXIMUM_BYTES = 2 * 1024 * 1024
"""Of source text. The longest descriptions in use are a few hundred kilobytes."""


def render(text: str | None, content_type: str | None) -> str | None:
    """The description as HTML; None where there is none.

    `Refused` (``description.render``) for reStructuredText that does not render: its author would otherwise
    find out from a page of raw markup. Without a content type the text is tried as reStructuredText and else
    shown as plain text (core metadata, "Description-Content-Type").
    """
    if not text or not text.strip():
        return None
    if len(text) <= _REMEMBERED_UP_TO:
        return _remembered(text, content_type)
    return _render(text, content_type)


def _render(text: str, content_type: str | None) -> str:
    if len(text) > MAXIMUM_BYTES:
        refuse(
            "description.size",
            f"The description has {len(text):,} characters; at most {MAXIMUM_BYTES:,} are shown.",
            "Shorten it and link to the rest.",
        )
    kind, variant = _parse(content_type)
    if kind == "text/markdown":
        from readme_renderer import markdown

        return markdown.render(text, variant=variant) or _plain(text)
    if kind == "text/plain":
        return _plain(text)
    from readme_renderer import rst

    rendered = rst.render(text)
    if rendered is None and content_type:
        refuse(
            "description.render",
            "The description failed to render for 'text/x-rst'.",
            "Run `twine check` on the file, mend the markup, or declare text/markdown or text/plain.",
        )
    return rendered if rendered is not None else _plain(text)


_remembered = lru_cache(maxsize=32)(_render)
"""The files of a release, and often its next release, have the same description: rendering costs milliseconds."""


def _parse(content_type: str | None) -> tuple[str, str]:
    header = Message()
    header["content-type"] = content_type or "text/x-rst"
    variant = header.get_param("variant") or "GFM"
    return header.get_content_type(), variant if isinstance(variant, str) else "GFM"


def _plain(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>"
