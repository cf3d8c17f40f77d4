"""Rules about the moderators' cases, and about objecting to a hold."""

from __future__ import annotations

from affineur.core.moderation import appeals, cases

from .rule import Group, Rule

CASES = (
    Group(
        "Cases",
        "What moderators look into has a number, is looked at in time, and ends with a verdict.",
        "What is held without anybody looking again is as good as deleted.",
        (
            Rule("case.exists", "A case is looked up by its number, by those whom it concerns."),
            Rule(
                "case.note",
                "A note in a case has between one and {most} characters.",
                "The next moderator reads it.",
                numbers={"most": cases.NOTE_LIMIT},
            ),
            Rule(
                "case.held",
                "A case ends by dismissing its reports only where nothing of it is on hold.",
                "A hold without a case would be looked at by nobody.",
                ("Clear or give back what is held.",),
            ),
            Rule("case.closed", "A closed case is opened by a new report, a hold or an appeal, and by nothing else."),
            Rule("case.nothing", "A second look is given to what somebody did, or to what is on hold."),
        ),
    ),
    Group(
        "Appeals",
        "People with a role on a project can object to what is held of it, and are answered.",
        "Whoever holds something can be wrong, and those it belongs to often know first.",
        (
            Rule("appeal.exists", "An appeal is answered in its case, once."),
            Rule(
                "appeal.text",
                "An appeal, and the answer to it, have between one and {most} characters.",
                numbers={"most": appeals.TEXT_LIMIT},
            ),
            Rule("appeal.nothing", "An appeal is against something that is on hold now."),
            Rule("appeal.open", "In each case one has one appeal waiting at a time."),
            Rule(
                "appeal.most",
                "One appeals {most} times in a case at the most.",
                "Whoever answers appeals has others to answer.",
                ("Somebody else with a role on the project can.",),
                numbers={"most": appeals.AT_MOST},
            ),
            Rule("appeal.answered", "An appeal is answered once; the answer is not changed."),
            Rule(
                "appeal.own-decision",
                "Whoever placed a hold does not answer the appeal against it, where there is another moderator.",
                "Nobody judges their own decision well.",
            ),
        ),
    ),
)
