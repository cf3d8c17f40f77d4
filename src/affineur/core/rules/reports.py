"""Rules about reports to the moderators, and about holds that begin with them."""

from __future__ import annotations

from affineur.core.moderation import corroboration, reporters, reports

from .rule import Group, Rule

_LOOK = ("A moderator looks at every report; nothing is lost by waiting.",)

REPORTS = (
    Group(
        "Reports",
        "Anybody who is signed in can tell the moderators of a project. Reports are never public.",
        "A report that can be understood is answered sooner.",
        (
            Rule("report.kind", f"A report says what is wrong: {', '.join(reports.KINDS)}."),
            Rule(
                "report.summary",
                "A report says in words what was seen, in at most {most} characters of plain text.",
                "Moderators read it as it is; what would change how a terminal or a page shows it is taken out.",
                numbers={"most": reports.SUMMARY_LIMIT},
            ),
            Rule(
                "report.evidence",
                "Evidence is up to {most} links, to http or https.",
                "Links of other kinds can run things when they are clicked.",
                numbers={"most": reports.EVIDENCE_LIMIT},
            ),
            Rule(
                "report.extra",
                "What a program adds to a report is a JSON object of at most {limit_bytes}.",
                numbers={"limit_bytes": reports.EXTRA_LIMIT_BYTES},
            ),
            Rule("report.form", "A report by program is a JSON object with a kind and a summary, both text."),
            Rule(
                "report.case",
                "A case is called by its number: the year it was opened in, a dash, and a number of its own.",
            ),
            Rule(
                "throttle.report",
                "Reports by one account: at most {hourly} in an hour and {daily} in a day; by a trusted one "
                "{trusted_hourly} and {trusted_daily}. The answer says when again.",
                "A flood of reports hides the one that matters.",
                numbers={
                    "hourly": reporters.REPORTS[0].attempts,
                    "daily": reporters.REPORTS[1].attempts,
                    "trusted_hourly": reporters.REPORTS_TRUSTED[0].attempts,
                    "trusted_daily": reporters.REPORTS_TRUSTED[1].attempts,
                },
            ),
        ),
    ),
    Group(
        "Holds",
        "A hold keeps a project or a release off offer until a moderator has looked. It begins by a moderator's hand, "
        "or by itself where this is said here; lifting it gives back what was before.",
        "A hold stops harm at once, and is harm itself where it is wrong.",
        (
            Rule(
                "hold.automatic",
                "A project younger than {new} is held when one trusted reporter says it is malware; an older one when "
                "{quorum} say so who are independent of each other, one of them trusted. Of a widely used project "
                "only releases younger than {new_release} are held, and only those named.",
                "Malware spreads in hours. Nobody relies yet on what is new, and many on what is widely used.",
                numbers={
                    "new": corroboration.NEW_PROJECT,
                    "quorum": corroboration.QUORUM,
                    "new_release": corroboration.NEW_RELEASE,
                },
            ),
            Rule(
                "hold.nothing",
                "Only what is on offer and was reported as malware is held without a moderator.",
                "All else can wait for a person.",
                _LOOK,
            ),
            Rule(
                "hold.corroboration",
                "Reports by people who are not trusted reporters never begin a hold by themselves, however many.",
                "Else a crowd, or one person with many accounts, could take a rival away. One network has one vote, "
                "and whoever was wrong often has none.",
                _LOOK,
            ),
            Rule(
                "hold.widely-used",
                "A project that is, or may be, widely used never disappears whole without a moderator, nor does a "
                "release older than {new_release}.",
                "To take it away breaks the work of many at once.",
                numbers={"new_release": corroboration.NEW_RELEASE},
            ),
            Rule(
                "hold.breaker",
                "At most {most} holds an hour begin without a moderator, on the whole index.",
                "So many are an attack, on users or by a reporter whose account was taken: people have to look.",
                numbers={"most": corroboration.BREAKER_PER_HOUR},
            ),
            Rule(
                "hold.second-moderator",
                "To condemn a project takes two moderators, unless it is known that next to nobody uses it.",
                "It takes the name away for good, and one account is never enough to harm many.",
            ),
        ),
    ),
)
