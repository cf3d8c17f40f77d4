"""The register as one document: `docs/POLICY.md`, and what an operator publishes as the policy of an index.

What does not live here: writing it (`scripts/generate-reference`, `affineur rule --document`), and the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .rule import Group, Rule


def as_markdown(groups: Iterable[Group], settings: object) -> str:
    """Markdown, a section a group, from level 2 on. ``settings`` has the settings of an index as attributes."""
    return "\n".join(line for group in groups for line in _group(group, settings))


def _group(group: Group, settings: object) -> Iterator[str]:
    yield f"## {group.title}\n"
    yield f"{_plain(group.about)}\n"
    yield f"*Why:* {_plain(group.why)}\n"
    if group.brief:
        yield ", ".join(f"`{rule.id}`" for rule in group.rules) + f". {_origin(group.rules[0])}\n"
        return
    for rule in group.rules:
        yield from _rule(rule, group, settings)


def _rule(rule: Rule, group: Group, settings: object) -> Iterator[str]:
    yield f"### {rule.id}\n"
    yield f"{_plain(rule.said(settings))}\n"
    if rule.why != group.why:
        yield f"*Why:* {_plain(rule.because(settings))}\n"
    if rule.ways:
        yield f"*Ways out:* {_plain(' '.join(rule.ways))}\n"
    if rule.deciding_settings:
        named = ", ".join(f"`{name}`" for name in rule.deciding_settings)
        yield f"*Set by:* {named}\n"
    for version, change in enumerate(rule.changes, start=2):
        yield (
            f"*Version {version}*, announced {change.announced}, in force from {change.on}: "
            f"{_plain(change.what)} {_plain(change.at_once)}".rstrip()
            + "\n"
        )
    yield f"{_origin(rule)}\n"


def _origin(rule: Rule) -> str:
    return f"Version {rule.version}, since {rule.since}."


def _plain(text: str) -> str:
    """``text`` with nothing in it that Markdown would take for its own."""
    prose = ("".join(f"\\{each}" if each in "\\<>*_[]" else each for each in part) for part in text.split("`")[::2])
    parts = text.split("`")
    parts[::2] = prose
    return "`".join(parts)
