"""`affineur login`, `logout` and `whoami`: which index elsewhere is meant, and as whom.

What does not live here: where the token is kept (`remote.keeping`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson
from .place import Place, elsewhere, warn_of_plain_http

if TYPE_CHECKING:
    from .remote.client import Remote


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(login)
    app.command()(elsewhere(logout))
    app.command()(elsewhere(whoami))


def login(
    index: Annotated[str, typer.Argument(metavar="URL", help="Address of the index.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Keep a token for an index elsewhere, so that commands work there.

    The token is read from the variable AFFINEUR_TOKEN or, where that is not set, from standard input; never from an
    argument, since everyone on a machine can see those. It is tried, and kept in the keyring of this system. From
    now on commands without --data and --index go to this index, unless there is a data folder where they are called.
    """
    from .narrowing import given_token
    from .remote.client import Remote
    from .remote.keeping import keep_token, parse_index, set_default_index
    from .start import EXIT_USAGE, fail

    address = parse_index(index)
    warn_of_plain_http(address)
    token = given_token()
    if not token or not token.isascii() or not token.isprintable():
        fail("That is no token.", EXIT_USAGE)
    with Remote(address, token) as remote:
        caller = remote.get("/account")
    keep_token(address, token)
    set_default_index(address)
    _show(address, caller, as_json)


def logout(place: Place) -> None:
    """Forget the token for an index elsewhere.

    The token itself stays in force: `affineur token revoke` ends it.
    """
    from .remote.keeping import default_index, forget_token, set_default_index
    from .start import EXIT_USAGE, fail

    if place.index is None:
        fail("You are not logged in anywhere.", EXIT_USAGE)
    was_kept = forget_token(place.index)
    if default_index() == place.index:
        set_default_index(None)
    typer.echo(f"The token for {place.index} is forgotten." if was_kept else f"No token for {place.index} was kept.")


def whoami(place: Place, as_json: AsJson = False) -> None:
    """Show who you are on an index elsewhere, and what your token may do."""

    def there(remote: Remote) -> tuple[str, Any]:
        return remote.index, remote.get("/account")

    index, caller = place.ask(there)
    _show(index, caller, as_json)


def _show(index: str, caller: dict[str, Any], as_json: bool) -> None:
    from .remote.problems import printable
    from .start import print_json

    if as_json:
        print_json({"index": index, **caller})
        return
    office = f", {caller['office']}" if caller.get("office") else ""
    typer.echo(printable(f"{caller['name']}{office} on {index}"))
    token = caller.get("token")
    if token is None:
        return
    projects = "every project of the account" if token["projects"] is None else ", ".join(token["projects"])
    ends = f", until {token['expires_at'][:10]}" if token["expires_at"] else ""
    typer.echo(printable(f"Token {token['id']} {token['label']}: may {', '.join(token['actions'])}; {projects}{ends}"))
