"""Classes of downloads: who made one, as far as its user agent tells. A table with versions, and a reason a line.

Whoever changes the table gives it a new version: stored events keep their user agents, and
`affineur statistics reclass` classes them anew.
What does not live here: how a user agent is taken apart (`agents`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .agents import Agent

Class = Literal["installer", "mirror", "browser", "automation", "unknown"]
CLASSES: tuple[Class, ...] = ("installer", "mirror", "browser", "automation", "unknown")

TABLE_VERSION = 1
"""Of `TABLE`. Each stored event belongs to the version that was the newest when it was classed."""

MEANINGS: dict[Class, str] = {
    "installer": "Somebody, or something, installs the project, or resolves what is to be installed.",
    "mirror": "Another index copies the file, whether or not anybody will ask it for it.",
    "browser": "A person follows a link.",
    "automation": "A program that is no installer: scripts, builders of other distributions, crawlers, checkers.",
    "unknown": "Nobody here knows the program, or it does not say what it is.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. It fits a user agent that begins with one of ``begins`` or has one of ``has`` in it.

    Or one that comes from a program that `linehaul` calls by one of ``names``. All three are in lower case.
    """

    kind: Class
    who: str
    reason: str
    names: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    has: tuple[str, ...] = ()

    def fits(self, name: str, user_agent: str) -> bool:
        """Whether it is about the program ``name``, or about ``user_agent``; both in lower case."""
        return name in self.names or user_agent.startswith(self.begins) or any(part in user_agent for part in self.has)


TABLE: tuple[Line, ...] = (
    Line("mirror", "bandersnatch", "Copies whole indexes.", ("bandersnatch",), ("bandersnatch/",)),
    Line("mirror", "z3c.pypimirror, pep381client", "Copied whole indexes; still seen.",
         ("z3c.pypimirror", "pep381client"), ("z3c.pypimirror", "pep381client")),
    Line("mirror", "devpi", "Fetches once what many then install from it.", ("devpi",), ("devpi-",)),
    Line("mirror", "Artifactory", "Fetches once what many then install from it.", ("artifactory",),
         ("artifactory/", "jfrog")),
    Line("mirror", "Nexus", "Fetches once what many then install from it.", ("nexus",), ("nexus/", "sonatype")),
    Line("mirror", "Pulp", "Copies indexes, or fetches once what many then install from it.", (),
         ("pulpcore/", "pulp_python/", "pulp/")),
    Line("mirror", "Affineur", "Follows or imports another index.", (), ("affineur/",)),
    Line("mirror", "proxpi, pypicloud, simpleindex, ProGet, Cloudsmith, GitLab, Gitea, Forgejo",
         "Fetch once what many then install from them.", (),
         ("proxpi", "pypicloud", "simpleindex", "proget", "cloudsmith", "gitlab", "gitea", "forgejo")),
    Line("installer", "pip", "Installs. pip-tools, pipenv, pipx, tox and buildpacks say the same, since they run it.",
         ("pip",), ("pip/",)),
    Line("installer", "uv", "Installs.", ("uv",), ("uv/",)),
    Line("installer", "Poetry", "Installs.", ("poetry",), ("poetry/",)),
    Line("installer", "PDM", "Installs; `unearth` is the part of it that fetches.", ("pdm",), ("pdm/", "unearth/")),
    Line("installer", "Hatch, Rye, pixi, Pants", "Install.", (), ("hatch/", "rye/", "pixi/", "rattler/", "pants/")),
    Line("installer", "pex", "Packs what it installs into one file.", ("pex",), ("pex/",)),
    Line("installer", "setuptools, distribute, buildout", "`easy_install` and `setup.py` install what is needed.",
         ("setuptools", "distribute"), ("zc.buildout",)),
    Line("installer", "conda, mamba", "Install; files from here where an environment asks for them.", ("conda",),
         ("conda/", "mamba/", "micromamba/")),
    Line("automation", "Homebrew, MacPorts, BSD ports, Debian's uscan and others",
         "Build their own distributions of it; who installs those is not known here.", ("homebrew", "os"),
         ("homebrew/", "debian uscan", "spectool/", "guix", "gnu guile", "spack", "easybuild", "nixpkgs", "portage")),
    Line("automation", "Bazel and other build tools", "Fetch what a build names; a build is no installation.",
         ("bazel",), ("bazel/", "buck2", "gradle/", "apache-maven", "apache ant/")),
    Line("automation", "twine, maturin, flit", "Publish; what they fetch is to see what is there.",
         ("twine", "maturin"), ("twine/", "maturin/", "flit")),
    Line("automation", "Renovate, Dependabot and other watchers of versions",
         "Look for newer versions; nothing is installed.", (),
         ("renovate", "dependabot", "nvchecker", "repology", "libraries.io", "anitya", "osv-scanner", "snyk",
          "pyup")),
    Line("automation", "Crawlers and robots", "They say that they are.", (),
         ("scrapy/", "datadog agent/", "pingdom", "wordpress/"),
         ("bot/", "bot ", "bot;", "bot)", "bot-", "bot_", "crawler", "crawl/", "spider", "slurp", "nutch",
          "inspector.", "headlesschrome", "phantomjs", "archiver", "ltx71", "linkchecker")),
    Line("automation", "curl, wget, aria2, libfetch and other programs that fetch", "A script, mostly.", (),
         ("curl", "libcurl", "wget", "aria2", "fetch libfetch", "libfetch", "fdm ", "axel", "lftp", "httpie",
          "powershell", "download master", "androiddownloadmanager", "nsis_inetc"), ("powershell/",)),
    Line("automation", "requests, httpx, aiohttp, urllib3 and other libraries of Python", "A script, mostly.",
         ("requests",), ("python-requests/", "python-httpx/", "python-urllib3/", "aiohttp/", "urllib3/", "httpx/",
                         "tornado/", "treq/", "pypi-simple/", "niquests/")),
    Line("automation", "Python's own urllib",
         "A script, mostly; pip before version 1.4 (2013) said no more than this either.", (),
         ("python-urllib/", "python/")),
    Line("automation", "Libraries of other languages", "A script, mostly.", (),
         ("go-http-client/", "go 1.", "java/", "okhttp", "apache-httpclient", "ruby", "faraday", "node", "axios/",
          "undici", "got ", "reqwest", "rust", "libwww-perl", "lwp", "php", "guzzle", "dart/", "deno/", "bun/",
          "salt/", "ansible-httpget", "chef ")),
    Line("browser", "Firefox, Chrome, Safari, Edge, Opera and others", "A person, as far as it tells.", ("browser",),
         ("mozilla/", "opera/", "safari/", "firefox/", "links", "lynx/", "w3m/", "ucweb")),
)  # fmt: skip
"""Asked from top to bottom: the first line that fits decides, and `unknown` is who fits none."""


def classify(agent: Agent, user_agent: str) -> Class:
    """Who made a download: ``agent`` is what `agents.parse` says of ``user_agent``."""
    line = line_for(agent, user_agent)
    return line.kind if line else "unknown"


def line_for(agent: Agent, user_agent: str) -> Line | None:
    """The line of the table that decides; None where none fits."""
    name, text = (agent.installer or "").lower(), user_agent.lower()
    return next((line for line in TABLE if line.fits(name, text)), None)


def table_page() -> Iterator[str]:
    """The table as lines of Markdown, for the reference."""
    yield f"Version {TABLE_VERSION} of the table. From top to bottom, the first line that fits decides.\n"
    yield "| class | who | fits user agents | why |"
    yield "| --- | --- | --- | --- |"
    for line in TABLE:
        parts = []
        if line.begins:
            parts.append("begin with " + ", ".join(f"`{each.strip()}`" for each in line.begins))
        if line.has:
            parts.append("have " + ", ".join(f"`{each.strip()}`" for each in line.has))
        if line.names:
            parts.append("`linehaul` calls them " + ", ".join(f"`{each}`" for each in line.names))
        yield f"| {line.kind} | {line.who} | {'; '.join(parts)} | {line.reason} |"
    yield "| unknown | everybody else | all others, and none at all | It is not known what they are. |"
