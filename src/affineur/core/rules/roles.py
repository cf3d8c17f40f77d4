"""Rules about roles on projects."""

from __future__ import annotations

from .rule import Group, Rule

ROLES = (
    Group(
        "Roles on projects",
        "A role is offered and accepted, given up at any time, and taken away by a proposal one can object to.",
        "",
        (
            Rule("role.held", "Nobody is offered a role they have; owners are not made maintainers by inviting them."),
            Rule("role.offer", "A role is offered by an owner of the project, or by an operator."),
            Rule("role.offered", "Of several invitations of one person to one project, one is open at a time."),
            Rule("role.whom", "An invitation names an account, or one e-mail address."),
            Rule("role.machine", "Machines publish; what becomes of a project is decided by people."),
            Rule("role.invitation", "An invitation is answered once, within 14 days, unless it is withdrawn before."),
            Rule("role.no-invitation", "Only whom an invitation is for can answer it."),
            Rule("role.last-owner", "A project keeps at least one owner: the only one invites another before leaving."),
            Rule(
                "removal.propose",
                "An owner can propose that somebody be removed; who is concerned has 14 days to object.",
            ),
            Rule("removal.role", "Only somebody with a role can be removed."),
            Rule("removal.self", "Leaving needs no proposal."),
            Rule("removal.open", "About one person and project there is one open proposal at a time."),
            Rule("removal.exists", "A proposal is answered by whom it is about."),
            Rule("removal.settled", "A proposal is answered once, within 14 days; silence means yes."),
            Rule("removal.proposer", "Who made a proposal, or an operator, can withdraw it."),
            Rule("message.topic", "A message among people of a project is about one of a few topics."),
            Rule("message.text", "What people write to each other is plain text of a reasonable length."),
            Rule("message.nobody", "Messages go to people who have a role on the same project."),
        ),
    ),
)
