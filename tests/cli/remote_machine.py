"""A machine that uses an index elsewhere: its keyring (a real backend that needs no desktop), home and folder.

Test support, not tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.services import starter

PROGRAM = str(Path(sys.executable).with_name("affineur"))
KEYRING = "keyrings.alt.file.PlaintextKeyring"


@dataclass(frozen=True)
class Machine:
    """Where commands are called: nothing of the person who runs the tests is seen or touched."""

    home: Path
    keyring: str = KEYRING
    variables: dict[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: object, code: int = 0, given: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Call the program with ``given`` on standard input; its exit status must be ``code``."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AFFINEUR_", "XDG_"))}
        self.home.mkdir(exist_ok=True)
        here = {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "share"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "PYTHON_KEYRING_BACKEND": self.keyring,
        }
        done = starter.run(
            [PROGRAM, *map(str, arguments)],
            kept | here | self.variables | environment,
            given=given,
            folder=self.home,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    def ask(self, *arguments: object, **more: Any) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.run(*arguments, "--json", **more).stdout)

    @property
    def everything_kept(self) -> str:
        """All that was written below the home, the keyring's own file left out."""
        files = [each for each in self.home.rglob("*") if each.is_file() and "keyring" not in each.name]
        return "\n".join(each.read_text(errors="replace") for each in files)
