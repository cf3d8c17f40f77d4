"""Trusted publishers: what one is, and when the claims of an identity token are its own.

A publisher is a job of some service (a workflow of a repository, a service account …) that may publish without
a secret: the service signs a token that says which job asks. Here live the values and the rules. What does not
live here: fetching keys and checking signatures (`shell.issuers`), which publisher may publish which project,
and that a token is taken only once (the store).

``issuers`` has the services an index listens to, ``fields`` what people type, ``publisher`` the value made of
it, ``matching`` the comparison with a token's claims, ``codes`` what mint endpoints call a refusal, ``setting``
what an operator writes.

Sources: ADR 0015; RFC 7519; OpenID Connect Core 1.0; PEP 807; what each service says about its claims, named
beside the code that reads them.
"""

from __future__ import annotations

from .codes import error_code
from .fields import Field, fields_of
from .issuers import WELL_KNOWN, AdmittedIssuer, Kind, admit, admitted_issuers, find_issuer
from .matching import Difference, choose, matches, pinned, with_pins
from .publisher import Publisher, display, fingerprint, home, home_of, parse
from .setting import admitted_by, audience_of

__all__ = [
    "WELL_KNOWN",
    "AdmittedIssuer",
    "Difference",
    "Field",
    "Kind",
    "Publisher",
    "admit",
    "admitted_by",
    "admitted_issuers",
    "audience_of",
    "choose",
    "display",
    "error_code",
    "fields_of",
    "find_issuer",
    "fingerprint",
    "home",
    "home_of",
    "matches",
    "parse",
    "pinned",
    "with_pins",
]
