"""Limits that hold for every archive, whatever its format: how much it unpacks to, and where its paths lead.

What does not live here: the formats (`archive_zip`, `archive_tar`).
Sources: PEP 706 and 721 (what an extraction filter stops); the thresholds are in `acceptance.Rules`.
"""

from __future__ import annotations

from ..decision import refuse
from .acceptance import Rules, quoted

_NOWHERE = frozenset({"", ".", ".."})
"""Parts of a path that are no names: "" is a leading, trailing or doubled slash."""

MAXIMUM_PATH_LENGTH = 1024
"""Characters; macOS stops there, Linux at 4096."""


def require_no_bomb(unpacked_bytes: int, packed_bytes: int, rules: Rules) -> None:
    """Refuse (``archive.bomb``) what unpacks to far more than it is, or to more than is ever unpacked."""
    swells = unpacked_bytes > rules.maximum_ratio * packed_bytes
    if (unpacked_bytes > rules.ratio_counts_above_bytes and swells) or (unpacked_bytes > rules.maximum_unpacked_bytes):
        refuse(
            "archive.bomb",
            f"Invalid distribution file. It unpacks to {unpacked_bytes} bytes or more, "
            f"from {packed_bytes}, like a decompression bomb.",
            "Leave out large files that hold nothing but repetition.",
            unpacked_bytes=unpacked_bytes,
            packed_bytes=packed_bytes,
        )


def require_member_count(count: int, rules: Rules) -> None:
    """Refuse (``archive.members``) an archive of more members than ``rules`` allow."""
    if count > rules.maximum_members:
        refuse(
            "archive.members",
            f"Invalid distribution file. It has more than {rules.maximum_members} members.",
            "Split the project, or pack its data files into one.",
            members=count,
        )


def require_safe_path(name: str) -> None:
    """Refuse (``archive.path``) a member's name that leads, on any system, out of where it is unpacked."""
    leads_out = not _NOWHERE.isdisjoint(name.split("/")) or name[1:2] == ":"
    if len(name) > MAXIMUM_PATH_LENGTH or leads_out or "\\" in name or "\x00" in name:
        refuse(
            "archive.path",
            f"Invalid distribution file. The member name {quoted(name)} is not a plain relative path.",
            "Use relative paths with '/', without '..', empty parts, backslashes or drive letters.",
        )
