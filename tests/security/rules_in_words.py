"""Who may do what, in words: what the permission matrix is held against. Nothing here is read from the program.

Test support, not tests. A line of `RULES` is: the act; who may; the right a token needs; the proof it takes (and where
only trusted publishers may upload, if another); when it pauses for somebody without the second factor they must have.
"""

from __future__ import annotations

from dataclasses import dataclass

RULES = """
read                | everybody                            | read    | no proof     | never
upload              | owner maintainer operator            | upload  | no proof     | after 180 days
create              | everybody                            | upload  | no proof     | at once
yank                | owner maintainer operator            | yank    | no proof     | after 90 days
archive             | owner operator                       | archive | no proof     | after 90 days
unarchive           | owner operator                       | archive | strong proof | after 90 days
classify            | operator                             | manage  | no proof     | at once
report              | everybody                            | manage  | no proof     | never
appeal              | owner maintainer                     | manage  | no proof     | never
moderate            | operator moderator                   | manage  | no proof     | at once
hold                | operator moderator                   | manage  | no proof     | at once
condemn             | operator moderator                   | manage  | a proof      | at once
withhold            | owner operator moderator             | manage  | strong proof | never
see-moderation      | operator moderator                   | manage  | no proof     | at once
trust-reporters     | operator moderator                   | manage  | a proof      | at once
see-people          | owner maintainer operator moderator auditor | read | no proof | never
see-signals         | owner operator moderator auditor | read | no proof | never
see-impact          | owner maintainer operator moderator auditor | read | no proof | never
see-campaigns       | operator auditor                     | manage  | no proof     | never
set-campaigns       | operator                             | manage  | a proof      | at once
claim-voucher       | everybody                            | none    | no proof     | never
invite              | owner operator                       | manage  | a proof      | after 90 days
grant               | operator                             | manage  | a proof      | at once
propose-removal     | owner operator                       | manage  | a proof      | after 90 days
remove              | operator moderator                   | manage  | strong proof | at once
leave               | owner maintainer                     | manage  | strong proof | never
message             | owner maintainer                     | manage  | no proof     | never
set-publishers      | owner operator                       | manage  | a proof, strong proof if closed | after 90 days
require-publishers  | owner operator                       | manage  | no proof     | after 90 days
release-publishers  | owner operator                       | manage  | strong proof | after 90 days
set-webhooks        | owner operator                       | manage  | a proof      | after 90 days
see-webhooks        | owner operator                       | manage  | no proof     | never
set-index-webhooks  | operator                             | manage  | a proof      | at once
see-index-webhooks  | operator                             | manage  | no proof     | at once
see-account         | everybody                            | read    | no proof     | never
change-account      | everybody                            | none    | a proof      | never
delete-account      | everybody                            | none    | strong proof | never
create-token        | everybody                            | manage  | a proof      | never
manage-account      | everybody                            | manage  | no proof     | never
revoke-token        | everybody                            | manage  | no proof     | never
reserve             | everybody                            | manage  | a proof      | at once
create-machine      | everybody                            | manage  | a proof      | at once
answer-invitation   | everybody                            | manage  | no proof     | never
sponsor             | everybody                            | manage  | a proof      | at once
see-machine         | sponsor operator moderator auditor   | read    | no proof     | never
run-machine         | sponsor                              | manage  | a proof      | at once
revoke-machine-token | sponsor                             | manage  | no proof     | never
release-machine     | sponsor                              | manage  | a proof      | never
retire-machine      | sponsor operator                     | manage  | strong proof | never
set-sponsors        | operator                             | manage  | strong proof | at once
see-accounts        | operator moderator auditor           | manage  | no proof     | never
see-log             | operator auditor                     | manage  | no proof     | never
freeze              | operator moderator                   | manage  | a proof      | at once
set-office          | operator                             | manage  | strong proof | at once
invite-account      | operator                             | manage  | no proof     | at once
"""

NO_ROUTE = {
    "set-limits": "on the console of the index only: `affineur project limit`",
}
"""Acts that nothing on the web does, and why."""

READ_BY_NARROWED = {"read", "see-account", "see-machine"}
"""What a token for some projects still reads of all: not who is at other projects, nor on the index."""
MACHINES_MAY = {"read", "upload", "yank", "see-account", "revoke-token", "report"}
"""Of an automation account that is maintainer of every project here."""
PUBLISHERS_MAY = {"upload"}
GOES_ON = {"read", "report", "appeal", "leave", "see-people"}
"""What tokens still do to a quarantined project; all else pauses, but for those who hold an office, and sessions."""
OFFICES = {"operator", "moderator", "auditor"}

STANDINGS = ("owner", "maintainer", "nobody", "sponsor", "operator", "moderator", "auditor")
"""What a person is here: of every project, of the machine, or of the index."""
POSTURES = ("strong", "weak", "stale", "day 1", "day 91", "day 181", "frozen")
"""How somebody is protected: a passkey shown just now, a code on a new device, a passkey shown six minutes ago; no
factor since so many days, with the password given just now; frozen."""
STATES = ("active", "archived", "quarantined", "deprecated", "closed")
"""Of a project; closed: only trusted publishers may upload."""
MACHINES = ("works", "sponsors short for 31 days", "never had two sponsors", "frozen")
RIGHTS = ("read", "upload", "yank", "archive", "manage")


@dataclass(frozen=True)
class Rule:
    """One line of `RULES`."""

    act: str
    who: tuple[str, ...]
    right: str
    proof: str
    pauses: str


@dataclass(frozen=True)
class Token:
    """What is shown. ``rights``: what it is for; ``projects``: which states' projects; None: not narrowed."""

    name: str
    rights: tuple[str, ...] = RIGHTS
    projects: tuple[str, ...] | None = None


SESSION = Token("signed in", (*RIGHTS, "none"))
WHOLE = Token("a token for everything")


def rules() -> dict[str, Rule]:
    """The rules by act."""
    lines = [[cell.strip() for cell in line.split("|")] for line in RULES.strip().splitlines()]
    return {line[0]: Rule(line[0], tuple(line[1].split()), line[2], line[3], line[4]) for line in lines}


def person(rule: Rule, standing: str, posture: str, shown: Token, state: str, *, on_project: bool) -> str:
    """What becomes of a person's try: "yes", or what stands in the way, the first thing first."""
    if posture == "frozen":
        return "frozen"
    if (refused := _token(rule, shown, state)) is not None:
        return refused
    if "everybody" not in rule.who and standing not in rule.who:
        return "standing"
    if _paused(rule, shown, state) and standing not in OFFICES:
        return "paused"
    if rule.act == "upload" and on_project and state == "closed":
        return "publishers only"
    late = int(posture.removeprefix("day ")) if posture.startswith("day") else None
    paused = {"never": 999, "at once": 0, "after 90 days": 90, "after 180 days": 180}[rule.pauses]
    if late is not None and late > paused:
        return "factor"
    usual, _, closed = rule.proof.removesuffix(" if closed").partition(", ")
    proof = closed if closed and state == "closed" else usual
    if proof != "no proof" and posture == "stale":
        return "proof"
    return "proof" if proof == "strong proof" and posture == "weak" else "yes"


def machine(rule: Rule, condition: str, shown: Token, state: str) -> str:
    """What becomes of an automation account's try."""
    if condition == "frozen":
        return "frozen"
    if (refused := _token(rule, shown, state)) is not None:
        return refused
    if rule.act not in MACHINES_MAY:
        return "standing"
    if _paused(rule, shown, state):
        return "paused"
    if rule.act == "upload" and state == "closed":
        return "publishers only"
    return "yes" if condition == "works" else "sponsors"


def publisher(rule: Rule, state: str) -> str:
    """What becomes of a try with a trusted publisher's token, which is for uploads to its projects."""
    if rule.right != "upload":
        return "token"
    if rule.act in PUBLISHERS_MAY and state == "quarantined":
        return "paused"
    return "yes" if rule.act in PUBLISHERS_MAY and state != "elsewhere" else "token"


def _paused(rule: Rule, shown: Token, state: str) -> bool:
    return state == "quarantined" and shown is not SESSION and rule.act not in GOES_ON


def _token(rule: Rule, shown: Token, state: str) -> str | None:
    if rule.right not in shown.rights:
        return "token"
    fits = shown.projects is None or rule.act in READ_BY_NARROWED or state in shown.projects
    return None if fits else "token"
