"""Rules about reading the journal, and about copies of it."""

from __future__ import annotations

from affineur.core.history.chronicle import MAXIMUM_PAGE_ENTRIES, MAXIMUM_WAIT_SECONDS

from .rule import Group, Rule

JOURNAL = (
    Group(
        "The journal",
        "What is asked of the journal, and what a copy of it has to be.",
        "Whoever copies the journal decides by it what is deleted and what is offered: nothing in it may be unclear.",
        (
            Rule(
                "journal.window",
                "A page has from one to {most} entries, after a serial, and is waited for {wait_seconds} at most.",
                "A page's size is what it costs to make, and a connection that waits is one that nobody else has.",
                numbers={"most": MAXIMUM_PAGE_ENTRIES, "wait_seconds": MAXIMUM_WAIT_SECONDS},
            ),
            Rule("journal.entry", "An entry has exactly its members, each of the kind that its hash covers."),
            Rule("journal.page", "A page answers the question that was asked, in the schema that is read."),
            Rule("journal.head", "A head is a serial and a hash, as the index prints them."),
        ),
    ),
)
