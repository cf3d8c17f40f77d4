"""Rules about following another index."""

from __future__ import annotations

from .rule import Group, Rule

FOLLOWING = (
    Group(
        "Following another index",
        "A mirror believes what continues the journal that it knows, and nothing else. What contradicts it stops "
        "following until somebody has looked; what was shown before stays, and so do stop orders.",
        "A mirror that takes over whatever it is told spreads a forgery, or forgets a warning.",
        (
            Rule("follow.skipped", "No entry of the journal is left out, and none comes twice."),
            Rule("follow.altered", "The contents of an entry give its hash."),
            Rule("follow.rewritten", "Every entry covers the one that is known before it."),
            Rule("follow.rolled-back", "The origin's journal never ends before what is known of it."),
            Rule("follow.origin", "The journal is that of the same index as before."),
            Rule(
                "follow.journal-gone",
                "An index that kept a journal still serves it.",
                "Doing without it would be an easy way to hide what it says.",
            ),
            Rule("follow.digest", "A file has the digest that the journal and the page state, and keeps it."),
            Rule("follow.page", "A page is one that Affineur serves, and names files only where files are."),
            Rule(
                "follow.vanished",
                "Most projects do not vanish between two looks.",
                "That is a fault of the origin far more often than somebody's will.",
            ),
            Rule("follow.moved", "Nobody else writes a mirror's journal."),
            Rule("follow.running", "One process at a time follows into a data folder."),
            Rule(
                "follow.own-projects",
                "A mirror has no projects of its own.",
                "It shows what its origin has; anything else would be taken for the origin's.",
                ("Choose an empty data folder.",),
            ),
            Rule("follow.own-journal", "A mirror's journal is its origin's from the first entry on."),
            Rule("follow.other-origin", "A mirror stays the mirror of one index."),
            Rule(
                "follow.read-only",
                "Nothing is published to a mirror.",
                "It would be lost, or contradict the origin.",
                ("Publish to the origin.",),
            ),
            Rule("follow.no-rows", "What a mirror shows comes from its origin, and cannot be derived here."),
        ),
    ),
)
