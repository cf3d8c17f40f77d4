"""Rules about automation accounts, offices and freezing."""

from __future__ import annotations

from .rule import Group, Rule

MACHINES = (
    Group(
        "Automation accounts, offices, freezing",
        "A machine publishes and never signs in; people answer for it. Moderators may stop an account, "
        "never a project with it.",
        "",
        (
            Rule("access.sponsor", "Only those who answer for an automation account act for it."),
            Rule("machine.exists", "The automation account has to be one that you answer for."),
            Rule("machine.count", "Nobody answers for more machines than they can look after."),
            Rule("machine.sponsor", "People answer for machines: two at least, ten at most, each of them once."),
            Rule(
                "machine.last-sponsor", "A machine is never left alone: somebody else answers for it, or it is retired."
            ),
            Rule(
                "machine.offer",
                "An invitation to answer for a machine is for one person, once, and ends after 14 days.",
            ),
            Rule(
                "machine.token", "A machine's token ends, names its projects, and is for uploading, yanking or reading."
            ),
            Rule(
                "machine.only-owner", "A machine that is a project's only owner is not retired: it needs another first."
            ),
            Rule("machine.retire", "Retiring cannot be undone: type the machine's name to confirm."),
            Rule("office.person", "Offices on the index are held by people."),
            Rule("office.name", "The offices are operator, moderator and auditor."),
            Rule("office.last-operator", "One operator is always left, unless the console takes the office."),
            Rule("freeze.reason", "Freezing an account takes a reason, which is mailed to its holder."),
            Rule("freeze.self", "Nobody freezes or thaws their own account."),
            Rule("freeze.operator", "Only operators freeze the account of an operator."),
            Rule("log.time", "Times in the log are dates such as 2026-01-31."),
        ),
    ),
)
