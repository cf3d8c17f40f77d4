"""Rules about the life of a project: yanking, statuses, holds."""

from __future__ import annotations

from .rule import Group, Rule

LIFE = (
    Group(
        "The life of a project",
        "What a project is to those who install it: who changes that, and what it means.",
        "Whoever installs has a right to know what state a project is in, and who said so.",
        (
            Rule(
                "yank.selection",
                "A yank names a release of the project, or files of it, that exist.",
                "A yank that hides nothing would leave its author believing that something was done.",
            ),
            Rule(
                "lifecycle.operator",
                "Only operators put a project into quarantine, and lift it.",
                "A quarantine takes a project away from everybody; that is for people who answer for the whole index.",
            ),
            Rule(
                "lifecycle.archive",
                "Archived: closed for uploads, still installable.",
                "Stopping is free, and nobody who depends on the project is left without it.",
            ),
            Rule(
                "lifecycle.unarchive",
                "No longer archived: uploads are accepted again.",
                "Archiving is a statement of its owners, and they can take it back.",
            ),
            Rule(
                "lifecycle.deprecate",
                "Deprecated: its maintainers advise against it.",
                "Advice, not force: installers go on as before, and people learn what to use instead.",
            ),
            Rule(
                "lifecycle.undeprecate",
                "The advice is taken back.",
                "Advice belongs to those who gave it.",
            ),
            Rule(
                "lifecycle.quarantine",
                "Quarantined: nothing is on offer until a review is complete.",
                "While harm is likely, not installing is the smaller harm. Nothing is deleted, so it can be undone.",
                ("Answer the moderators' mail; it says how to object.",),
            ),
            Rule(
                "lifecycle.clear",
                "The quarantine is over; everything is again as it was before.",
                "A hold that turned out wrong must leave no trace on what it held.",
            ),
        ),
    ),
)
