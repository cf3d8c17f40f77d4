"""Rules about roles on projects."""

from __future__ import annotations

from affineur.core.people.roles import INVITATION_LASTS, LONGEST_MESSAGE, LONGEST_REASON, OBJECTION_LASTS

from .rule import Group, Rule

ROLES = (
    Group(
        "Roles on projects",
        "A role is offered and accepted, given up at any time, and taken away by a proposal one can object to.",
        "A role is trust in a person: nobody gets one unasked, and nobody loses one without a word.",
        (
            Rule("role.held", "Nobody is offered a role they have; owners are not made maintainers by inviting them."),
            Rule("role.offer", "A role is offered by an owner of the project, or by an operator."),
            Rule("role.offered", "Of several invitations of one person to one project, one is open at a time."),
            Rule("role.whom", "An invitation names an account, or one e-mail address."),
            Rule(
                "role.machine",
                "Machines publish; what becomes of a project is decided by people.",
                "A program cannot answer for a decision.",
            ),
            Rule(
                "role.invitation",
                "An invitation is answered once, within {lasts}, unless it is withdrawn before.",
                "An offer that lies in a mailbox for years is an open door.",
                ("Ask for another invitation.",),
                {"lasts": INVITATION_LASTS},
            ),
            Rule("role.no-invitation", "Only whom an invitation is for can answer it."),
            Rule(
                "role.last-owner",
                "A project keeps at least one owner: the only one invites another before leaving.",
                "A project without an owner has nobody who could answer for it.",
                ("Invite another owner first.",),
            ),
            Rule(
                "removal.propose",
                "An owner can propose that somebody be removed; who is concerned has {objection} to object.",
                "A stolen account must not be able to throw out the others before anybody looks.",
                numbers={"objection": OBJECTION_LASTS},
            ),
            Rule("removal.role", "Only somebody with a role can be removed."),
            Rule("removal.self", "Leaving needs no proposal.", "Stopping is free.", ("Leave, on the project's page.",)),
            Rule("removal.open", "About one person and project there is one open proposal at a time."),
            Rule("removal.exists", "A proposal is answered by whom it is about."),
            Rule(
                "removal.settled",
                "A proposal is answered once, within {objection}; silence means yes.",
                "People who went away for good cannot be asked for a yes.",
                numbers={"objection": OBJECTION_LASTS},
            ),
            Rule("removal.proposer", "Who made a proposal, or an operator, can withdraw it."),
            Rule(
                "message.topic",
                "A message among people of a project is about one of a few topics.",
                "So that its reader knows at once what it is about.",
            ),
            Rule(
                "message.text",
                "What people write to each other is plain text: a message of at most {message} characters, a reason of "
                "{reason}.",
                "It is mailed in the name of the index.",
                numbers={"message": LONGEST_MESSAGE, "reason": LONGEST_REASON},
            ),
            Rule(
                "message.nobody",
                "Messages go to people who have a role on the same project.",
                "Addresses of people stay private, and nobody is written to by strangers.",
            ),
        ),
    ),
)
