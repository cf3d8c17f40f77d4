"""Rules about automation accounts, offices and freezing."""

from __future__ import annotations

from affineur.core.access import SPONSORS_NEEDED
from affineur.core.people import machines

from .rule import Group, Rule

MACHINES = (
    Group(
        "Automation accounts, offices, freezing",
        "A machine publishes and never signs in; people answer for it. Moderators may stop an account, "
        "never a project with it.",
        "Someone has to answer for everything that acts here, and nobody is judge in their own case.",
        (
            Rule("access.sponsor", "Only those who answer for an automation account act for it."),
            Rule("machine.exists", "The automation account has to be one that you answer for."),
            Rule(
                "machine.count",
                "Nobody answers for more than {most} machines.",
                "More than that nobody can look after.",
                numbers={"most": machines.MOST_MACHINES},
            ),
            Rule(
                "machine.sponsor",
                "People answer for machines: {least} at least, {most} at most, each of them once.",
                "One may be away; of many, nobody feels meant.",
                numbers={"least": SPONSORS_NEEDED, "most": machines.MOST_SPONSORS},
            ),
            Rule(
                "machine.last-sponsor",
                "A machine is never left alone: somebody else answers for it, or it is retired.",
                "A machine that nobody knows is a door that nobody watches.",
            ),
            Rule(
                "machine.offer",
                "An invitation to answer for a machine is for one person, once, and ends after {lasts}.",
                numbers={"lasts": machines.OFFER_LASTS},
            ),
            Rule(
                "machine.token",
                "A machine's token ends, names its projects, and is for uploading, yanking or reading.",
                "A machine's token lies in scripts and logs: it should open little, and not for ever.",
            ),
            Rule(
                "machine.only-owner",
                "A machine that is a project's only owner is not retired: it needs another first.",
                "Its project would be left with nobody who could answer for it.",
            ),
            Rule("machine.retire", "Retiring cannot be undone: type the machine's name to confirm."),
            Rule("office.person", "Offices on the index are held by people."),
            Rule("office.name", "The offices are operator, moderator and auditor."),
            Rule(
                "office.last-operator",
                "One operator is always left, unless the console takes the office.",
                "An index without an operator could not be helped from its own pages.",
            ),
            Rule(
                "freeze.reason",
                "Freezing an account takes a reason, which is mailed to its holder.",
                "Whoever is stopped has a right to know why, and to answer.",
            ),
            Rule("freeze.self", "Nobody freezes or thaws their own account."),
            Rule("freeze.operator", "Only operators freeze the account of an operator."),
            Rule(
                "log.time",
                "Times in the log are dates such as 2026-01-31.",
                "A date that can be read in two ways finds the wrong day.",
            ),
        ),
    ),
)
