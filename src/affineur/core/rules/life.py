"""Rules about the life of a project: yanking, statuses, holds."""

from __future__ import annotations

from .rule import Group, Rule

LIFE = (
    Group(
        "The life of a project",
        "What a project is to those who install it: who changes that, and what it means.",
        "",
        (
            Rule("yank.selection", "A yank names a release of the project, or files of it, that exist."),
            Rule("lifecycle.operator", "Only operators put a project into quarantine, and lift it."),
            Rule("lifecycle.archive", "Archived: closed for uploads, still installable."),
            Rule("lifecycle.unarchive", "No longer archived: uploads are accepted again."),
            Rule("lifecycle.deprecate", "Deprecated: its maintainers advise against it."),
            Rule("lifecycle.undeprecate", "The advice is taken back."),
            Rule("lifecycle.quarantine", "Quarantined: nothing is on offer until a review is complete."),
            Rule("lifecycle.clear", "The quarantine is over; everything is again as it was before."),
        ),
    ),
)
