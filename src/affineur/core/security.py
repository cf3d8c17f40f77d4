"""The security log: what happened to accounts, factors, tokens and roles, for the people it happened to.

Here are the events and their words, and what an act is told about where it comes from. The log is appended to in
the transaction of the act itself. What does not live here: storing and reading it (`shell.store.security`), and the
public journal of projects (`journal`), in which no person is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from .access import SYSTEM, Actor
from .decision import Decision

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from. ``address``: as the setting ``log_address`` allows it to be kept.

    ``peer``: the address itself, for what must not depend on that setting. It is never kept; a keyed digest of its
    network may be (`reports.hashed_network`).
    """

    address: str = ""
    user_agent: str = ""
    peer: str = field(default="", repr=False, compare=False)


CONSOLE = Origin(user_agent="command line")
"""The machine the index runs on."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, when (aware UTC) and from where: what every act on people is handed."""

    actor: Actor
    now: datetime
    origin: Origin = CONSOLE


def console(now: datetime) -> Caller:
    """The command line on the index's own machine, at ``now``."""
    return Caller(SYSTEM, now)


EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "AccountCreated": "The account was made.",
        "AccountDeleted": "The account was deleted.",
        "AccountFrozen": "Moderators froze the account.",
        "AccountThawed": "Moderators lifted the freeze.",
        "OfficeChanged": "An office on the index was given or taken.",
        "SignedIn": "Somebody signed in.",
        "SignInRefused": "A sign-in was refused.",
        "SignedOut": "Somebody signed out.",
        "SessionEnded": "A session was ended from another one.",
        "SteppedUp": "Somebody confirmed that it is them.",
        "StepUpRefused": "A confirmation was refused.",
        "NewDevice": "The account was used on a device not seen before.",
        "EmailAdded": "An address was added.",
        "EmailVerified": "An address was verified.",
        "EmailRemoved": "An address was removed.",
        "PrimaryEmailChanged": "Another address became the primary one.",
        "PasswordChanged": "The password was changed.",
        "PasswordResetAsked": "A link for a new password was asked for.",
        "PasswordReset": "The password was set anew through a link.",
        "IdentityLinked": "A company sign-in was linked.",
        "IdentityUnlinked": "A company sign-in was unlinked.",
        "FactorAdded": "A second factor was added.",
        "FactorRenamed": "A second factor was given another name.",
        "FactorRemoved": "A second factor was removed.",
        "FactorRemovalScheduled": "The removal of a second factor was scheduled.",
        "FactorRemovalCancelled": "The removal of a second factor was cancelled.",
        "FactorSuspended": "A second factor was suspended: there may be a copy of it.",
        "RecoveryCodesMade": "New recovery codes were made; older ones no longer work.",
        "RecoveryCodeUsed": "A recovery code was used.",
        "RecoveryOpened": "Somebody asked to get back in without a factor.",
        "RecoveryVouched": "Somebody vouched for the holder, who asked to get back in.",
        "RecoveryCancelled": "Getting back in was cancelled.",
        "RecoveryDone": "Somebody got back in; the old factors are gone.",
        "LadderBegun": "A role is held without the second factor it takes; notices begin.",
        "TokenCreated": "A token was made.",
        "TokenRevoked": "A token was revoked.",
        "TokenDisclosed": "A token was found in public and revoked.",
        "TokenConfirmed": "A token was confirmed for a few minutes.",
        "TokenRefused": "A token was refused.",
        "PublisherAdded": "A trusted publisher was added.",
        "PublisherRemoved": "A trusted publisher was removed.",
        "PublisherConfirmed": "A trusted publisher of a project that was unarchived was confirmed.",
        "PublishersRequired": "Uploads were closed to all but trusted publishers.",
        "PublishersReleaseScheduled": "Opening uploads to tokens again was scheduled.",
        "PublishersReleaseCancelled": "Opening uploads to tokens again was cancelled.",
        "PublishersReleased": "Uploads by token are open again.",
        "PendingPublisherAdded": "A pending publisher was added.",
        "PendingPublisherRemoved": "A pending publisher was removed.",
        "IdentityExchanged": "A trusted publisher exchanged its identity for a token.",
        "IdentityRefused": "The identity of a trusted publisher was refused.",
        "ProjectStateChanged": "The state of a project, or of a part of it, was changed.",
        "FilesYanked": "Files of a project were yanked, or that was taken back.",
        "UnarchiveAsked": "One owner of a widely used project asked to unarchive it; it waits.",
        "UnarchiveCancelled": "Unarchiving a project was called off before it took effect.",
        "RoleGranted": "A role was given.",
        "RoleRemoved": "A role was taken away.",
        "RoleKept": "An owner's role was kept that no group of the company comes to: the project has no other owner.",
        "RoleLeft": "Somebody gave up a role.",
        "RoleOffered": "Somebody was invited to a role.",
        "RoleOfferAnswered": "An invitation to a role was answered or withdrawn.",
        "RemovalProposed": "It was proposed to remove somebody.",
        "RemovalSettled": "A proposal to remove somebody was settled.",
        "MessageRelayed": "A message to the people of a project was passed on.",
        "MachineCreated": "An automation account was made.",
        "MachineRetired": "An automation account was retired: its roles and tokens are gone.",
        "SponsorInvited": "Somebody was asked to answer for an automation account.",
        "SponsorOfferAnswered": "An invitation to answer for an automation account was refused or withdrawn.",
        "SponsorAdded": "Somebody began to answer for an automation account.",
        "SponsorLeft": "Somebody ceased to answer for an automation account.",
        "InvitedToIndex": "Somebody was invited to this index.",
        "ReporterTrusted": "Moderators began to trust the reports of the account.",
        "ReporterUntrusted": "Moderators ceased to trust the reports of the account.",
        "WebhookAdded": "A webhook was added.",
        "WebhookChanged": "A webhook was changed.",
        "WebhookRemoved": "A webhook was removed.",
        "WebhookSwitchedOff": "A webhook that took nothing any more was switched off.",
        "CampaignMade": "A campaign that gives vouchers was made.",
        "CampaignCodesAdded": "Codes were added to a voucher campaign.",
        "CampaignClosed": "A voucher campaign was closed early.",
        "VoucherOffered": "A letter told the holder of a voucher campaign.",
        "VoucherClaimed": "A voucher was claimed.",
        "ActRefused": "Something dangerous was refused.",
    }
)
"""Every event of the log, with its sentence. A test holds the ids in the source against these."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, before it is stored. ``facts`` are small and hold no secret; ``rule`` is that of a refusal."""

    event: str
    account_id: int | None
    account: str | None
    project: str | None = None
    outcome: Literal["done", "refused"] = "done"
    rule: str | None = None
    facts: Mapping[str, object] = field(default_factory=lambda: _NOTHING)


def is_dangerous(decision: Decision) -> bool:
    """Whether a refusal belongs into the log: of an act that asks for a proof, of a frozen account, of too many tries.

    `access.may` tells of a refusal which strength the act asks for.
    """
    if decision.allowed:
        return False
    subject = decision.rule.partition(".")[0]
    if subject == "throttle" or decision.rule == "access.frozen":
        return True
    return subject in ("access", "factor") and decision.facts.get("strength") in ("proof", "strong")


def asks_for_proof(decision: Decision) -> bool:
    """Whether a refusal ends as soon as somebody proves that it is them (`second_factor.strong_enough`)."""
    return decision.rule == "access.step-up" and not decision.allowed


def lacks_proof(decision: Decision) -> bool:
    """Whether only a proof is missing: one that can be given now, or a stronger one than they have yet."""
    return asks_for_proof(decision) or (decision.rule == "access.strong" and not decision.allowed)


def is_refused_token(decision: Decision) -> bool:
    """Whether a token was refused that is genuine, and held once: revoked or expired."""
    return decision.rule in ("token.revoked", "token.expired") and not decision.allowed
