"""A project's description, from its stored HTML to what stands in the page.

It was sanitised when it was uploaded (`core.distributions.description`). Here it is fitted into the page: headings
below the page's own, images of other hosts as links, tick boxes as characters; and sanitised again as the last
step, so that nothing done here has to be trusted.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from markupsafe import Markup

_TAG = re.compile(r"<(/?)(a|img|input|h[1-6])\b((?:[^<>\"]|\"[^\"]*\")*)>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_EMPTY_LINK = re.compile(r"<a\b([^>]*)>\s*</a>")
# Only classes that mean something in a text: a description must not dress up as a part of the page, such as a
# banner. As Pygments names pieces of code, and docutils its boxes.
_CODE = {
    *("k", "kc", "kd", "kn", "kr", "kt", "n", "na", "nb", "nc", "nd", "nf", "nn", "nt", "o", "ow", "p", "w", "l"),
    *("s", "s1", "s2", "sb", "sd", "se", "si", "sr", "dl", "m", "mi", "mf", "mh", "c", "c1", "cm", "ch", "cp"),
    *("go", "gp", "err"),
}
_BOXES = {"admonition", "admonition-title", "system-message"}
_TOP_LEVEL = 3  # the page has h1, the description's own heading is h2
_LOWEST_LEVEL = 6


def fitted(stored: str, *, remote_images: bool) -> Markup:
    """The description as it is shown. Cost: linear; about a millisecond for 10 kB."""
    from markupsafe import Markup

    text = _TAG.sub(_Fitting(remote_images).replace, stored)
    text = _sanitised(_EMPTY_LINK.sub(_without_target, text), remote_images)
    return Markup(text)  # noqa: S704 (sanitised in the step before)


class _Fitting:
    """Walks over the tags of one description; knows how deep its outline is and whether a link is open."""

    def __init__(self, remote_images: bool) -> None:
        self._remote_images = remote_images
        self._outline: list[str] = []
        self._in_link = False

    def replace(self, tag: re.Match[str]) -> str:
        """What stands in the page instead of ``tag``."""
        closing, name, attributes = tag[1] == "/", tag[2], tag[3]
        if name == "a":
            return self._link(tag[0], closing, attributes)
        if name == "img":
            return self._image(tag[0], dict(_ATTRIBUTE.findall(attributes)))
        if name == "input":
            return "☑" if " checked" in attributes else "☐"
        return self._heading(closing, name, attributes)

    def _link(self, whole: str, closing: bool, attributes: str) -> str:
        self._in_link = not closing
        target = dict(_ATTRIBUTE.findall(attributes)).get("href", "#")
        # A relative link was meant for the project's own repository; here it would lead to nothing.
        return whole if closing or target.startswith("#") or ":" in target.partition("/")[0] else "<a>"

    def _image(self, whole: str, attributes: dict[str, str]) -> str:
        source, text = attributes.get("src", ""), attributes.get("alt", "")
        remote = source.startswith(("http://", "https://"))
        if remote and self._remote_images:
            return whole if "alt" in attributes else whole.replace("<img", '<img alt=""', 1)
        text = text.strip() or html.escape(_last_part(source)) or "image"
        if self._in_link or not remote:
            return f'<span class="image">{text}</span>'
        return f'<a href="{source}"><span class="image">{text}</span></a>'

    def _heading(self, closing: bool, name: str, attributes: str) -> str:
        if closing:
            return f"</h{self._level()}>"
        while self._outline and self._outline[-1] >= name:
            self._outline.pop()
        self._outline.append(name)
        return f"<h{self._level()}{attributes}>"

    def _level(self) -> int:
        return min(_TOP_LEVEL - 1 + max(len(self._outline), 1), _LOWEST_LEVEL)


def _last_part(source: str) -> str:
    try:
        return unquote(urlsplit(html.unescape(source)).path.rpartition("/")[2])
    except ValueError:
        return ""


def _without_target(link: re.Match[str]) -> str:
    """A link without text can be jumped to (its id), but not be followed by somebody who hears the page."""
    attributes = dict(_ATTRIBUTE.findall(link[1]))
    return f'<span id="{attributes["id"]}"></span>' if "id" in attributes else ""


def _sanitised(text: str, remote_images: bool) -> str:
    import nh3
    from readme_renderer.clean import ALLOWED_ATTRIBUTES, ALLOWED_TAGS

    # `lang` would be the programming language of a block of code, which a screen reader cannot speak.
    allowed = {tag: set(names) - {"class", "lang"} for tag, names in ALLOWED_ATTRIBUTES.items()}
    tags = set(ALLOWED_TAGS) - {"input"} - (set() if remote_images else {"img", "picture"})
    return nh3.clean(
        text,
        tags=tags,
        attributes={tag: names for tag, names in allowed.items() if tag in tags or tag == "*"},
        allowed_classes={"span": _CODE | {"image"}, "code": _CODE, "div": _BOXES, "aside": _BOXES, "p": _BOXES},
        link_rel="nofollow noreferrer ugc",
        url_schemes={"http", "https", "mailto"},
        # What may have to be scrolled sideways must be reachable by keyboard.
        set_tag_attribute_values={"pre": {"tabindex": "0"}, "table": {"tabindex": "0"}},
    )
