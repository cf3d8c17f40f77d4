"""Rules about what is taken over from elsewhere."""

from __future__ import annotations

from .rule import Group, Rule

UPSTREAM = (
    Group(
        "Import and export",
        "What is taken over from elsewhere is checked like an upload, and has to be what the other side says it is.",
        "What comes from elsewhere is installed as trustingly as what was published here.",
        (
            Rule("upstream.gone", "The address, and every file it lists, has to be there."),
            Rule("upstream.away", "The other side has to answer; what failed is tried again by the next run."),
            Rule("upstream.status", "It has to answer with success."),
            Rule("upstream.redirects", "It may redirect a few times, not for ever."),
            Rule("upstream.downgrade", "What begins with https stays with https."),
            Rule("upstream.scheme", "Addresses begin with https:// or http://."),
            Rule("upstream.page-size", "A page of an index has a reasonable size."),
            Rule("upstream.content-type", "It answers in a form of the simple API."),
            Rule("upstream.syntax", "Its pages are what the simple API defines."),
            Rule("upstream.version", "It speaks version 1 of the simple API."),
            Rule("upstream.minor-version", "A newer minor version may say more than is understood here."),
            Rule("upstream.name", "A project's page, and its files, are named after the project."),
            Rule("upstream.project", "The project has to be one of its."),
            Rule("upstream.size", "A file has the size that is stated."),
            Rule("upstream.digest", "A file has the digest that is stated."),
            Rule("upstream.folder", "The folder has to exist."),
            Rule("devpi.stage", "One devpi index has to be named: one with files of its own, no mirror."),
            Rule("devpi.export", "The folder has to be what devpi-export wrote, of a version that is known."),
            Rule("export.folder", "An export goes to a folder of its own, one export at a time."),
        ),
    ),
)
