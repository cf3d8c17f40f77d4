"""Links for joining this index: what is behind one, whether somebody asked for it or was invited. Not an act itself."""

from __future__ import annotations

from dataclasses import dataclass

from affineur.core.people.offices import office_called
from affineur.core.permissions import Office
from affineur.shell.store.tickets import Ticket

REGISTER, INVITATION = "register", "invitation"
"""Purposes of tickets. The subject is the address; of an invitation ``<office or -> <address>``."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a link for joining stands for. ``office``: what the account is to be on this index."""

    address: str
    office: Office | None
    invited: bool


def invitation_subject(address: str, office: Office | None) -> str:
    """The subject of the ticket of an invitation."""
    return f"{office or '-'} {address}"


def welcome_of(ticket: Ticket) -> Welcome:
    """What a ticket of one of the two purposes says."""
    if ticket.purpose == REGISTER:
        return Welcome(ticket.subject, None, invited=False)
    office, _, address = ticket.subject.partition(" ")
    return Welcome(address, office_called(office), invited=True)
