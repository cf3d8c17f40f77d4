"""Rules about the life of a project: its acts, and what must hold beside. The table of acts says what each means."""

from __future__ import annotations

from affineur.core.life import guards
from affineur.core.life.lifecycle import TRANSITIONS, Act

from .rule import Group, Rule

_APPEAL = ("Appeal, if that is wrong.",)


def _act(act: Act, why: str, ways: tuple[str, ...] = (), beside: str = "") -> Rule:
    return Rule(f"lifecycle.{act}", f"{TRANSITIONS[act].means} {beside}".strip(), why, ways)


LIFE = (
    Group(
        "The life of a project",
        "What a project, a release or a file is to those who install it: who changes that, and what it means.",
        "Whoever installs has a right to know what state a project is in, and who said so.",
        (
            _act(
                "archive",
                "Stopping is free, and nobody who depends on the project is left without it. Of a project that was "
                "found harmful, owners change nothing any more.",
                beside="Not of a project that was condemned.",
            ),
            _act(
                "unarchive",
                "Archiving is a statement of owners, and owners can take it back; a project that nobody answers for "
                "is adopted first.",
                beside="Somebody has to answer for it.",
            ),
            _act("finish", "What does all it should is no abandoned project, and people should see the difference."),
            _act("resume", "Finished is a statement of its owners, and they can take it back."),
            _act("deprecate", "Advice, not force: installers go on as before, and people learn what to use instead."),
            _act("undeprecate", "Advice belongs to those who gave it."),
            _act("wish", "Who would help or take over has to know that it is welcome, or that it is not."),
            _act(
                "reclassify", "How widely something is used decides how carefully it is handled, never who must work."
            ),
            _act(
                "quarantine",
                "While harm is likely, not installing is the smaller harm. Nothing is deleted, so it can be undone.",
                ("Answer the moderators' mail; it says how to object.",),
            ),
            _act("clear", "A hold that turned out wrong must leave no trace on what it held."),
            Rule(
                "lifecycle.condemn",
                f"{TRANSITIONS['condemn'].means} That takes an analysis that is written in the case.",
                "A verdict for good has to be one that others can check.",
                _APPEAL,
            ),
            Rule(
                "lifecycle.withhold",
                f"{TRANSITIONS['withhold'].means} Owners withhold a file or a release, for "
                f"{', '.join(guards.OWNERS_WITHHOLD_FOR)}.",
                "A secret or somebody's address does harm while it is on offer. What is merely broken is yanked: "
                "whoever pinned it goes on.",
                ("Yank it.", "Ask a moderator."),
            ),
            Rule(
                "lifecycle.unwithhold",
                f"{TRANSITIONS['unwithhold'].means} What the moderators withheld, they give back.",
                "Whoever has to take something back decides when the reason for it is gone.",
                _APPEAL,
            ),
            Rule(
                "lifecycle.yank",
                TRANSITIONS["yank"].means,
                "A bad release should find no new users, and break nobody who has it.",
            ),
            Rule(
                "lifecycle.unyank",
                TRANSITIONS["unyank"].means,
                "A yank is advice of its owners, and they can take it back.",
            ),
        ),
    ),
    Group(
        "What must hold beside",
        "Beside its place in the table, some acts look at more.",
        "What changes for many at once is done with care; what protects is quick and can be undone.",
        (
            Rule(
                "lifecycle.transition",
                "An act leads from certain states to certain others; the refusal says what is possible now.",
                "A request that leads nowhere mostly means that somebody else was there before.",
                ("Look at the project's page, and choose again.",),
            ),
            Rule("lifecycle.code", "A reason code is one of the words that are known.", "Programs act by it."),
            Rule("lifecycle.value", "A wish, or a class of impact, is one of the values there are."),
            Rule(
                "lifecycle.unarchive-waits",
                "A widely used project is unarchived by one owner alone after {waits}, unless it was archived within "
                "{regret}; a second owner does it at once.",
                "To wake what many trust and nobody watches is what a thief of an account would do.",
                ("Ask another owner.", "Wait."),
                {"waits": guards.UNARCHIVE_WAITS, "regret": guards.REGRET},
            ),
            Rule(
                "lifecycle.unarchive-none",
                "What is called off has to be waiting: an unarchiving that one owner asked for.",
                "Whoever calls off what was done already would believe that it had not been.",
            ),
            Rule(
                "lifecycle.replacement",
                "Advice names at most {most} other projects, and they are on offer here.",
                "Advice that nobody can follow is none.",
                ("Write of other things in the reason.",),
                {"most": guards.REPLACEMENTS_AT_MOST},
            ),
            Rule(
                "lifecycle.replacement-cycle",
                "Advice does not lead back to where it began.",
                "People would be sent around in a circle.",
                ("Agree with the owners of the other project.",),
            ),
            Rule(
                "lifecycle.replacement-age",
                "A replacement shares an owner with the project, or is {age} old and in use.",
                "Else a stolen account could send everybody to a project made for it.",
                ("Write of it in the reason.",),
                {"age": guards.REPLACEMENT_AGE},
            ),
            Rule(
                "lifecycle.withhold-second",
                "Of a widely used project, owners alone withhold nothing.",
                "Where a file goes, builds of many break.",
                ("Yank it meanwhile, and ask a moderator.",),
            ),
            Rule(
                "lifecycle.withhold-often",
                "Owners withhold at most {most} times within {within}.",
                "More than that looks like a stolen account, or like deletion under another name.",
                ("Ask a moderator.",),
                {"most": guards.OWNERS_WITHHOLD_AT_MOST, "within": guards.WITHHOLDS_COUNT_FOR},
            ),
            Rule(
                "yank.selection",
                "A yank names a release of the project, or files of it, that exist.",
                "A yank that hides nothing would leave its author believing that something was done.",
            ),
            Rule(
                "version.specifier",
                "Many releases at once are named by version specifiers, as they are written in requirements.",
            ),
            Rule("project.place", "What is named of a project, a release or a file, has to exist."),
        ),
    ),
)
