"""The cheapest real request for each act of the permission matrix, and what it comes to once it is permitted.

Test support, not tests. A request that would change much names something that is not there: whoever is permitted
learns that, and nobody else. Beside the requests are the routes that no request of the matrix goes to, and why.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.security.routes import CASE
from tests.security.rules_in_words import STATES
from tests.security.scene import LONE, PROJECTS, ROBOT, Person, Scene
from tests.web.uploading import BOUNDARY

ACTIVE = ("active",)
ALL = STATES
_UNKNOWN = "0" * 32
_PUBLISHER = {
    "kind": "github",
    "issuer": "https://token.actions.githubusercontent.com",
    "fields": {"owner": "fromagerie", "repository": "matrix", "workflow": "release.yml"},
}


@dataclass(frozen=True)
class Ask:
    """A request. ``route``: the name of the operation, or the path of the page's route, which ``path`` fills.

    ``then``: the status, and the rule if one refuses, that whoever is permitted gets. ``states``: of the projects it
    is tried on. ``undo``: whether what it changes has to be given back.
    """

    act: str
    method: str
    path: str
    route: str
    then: str = "200"
    body: Mapping[str, Any] | None = None
    states: tuple[str, ...] = ("",)
    undo: bool = False


def _p(act: str, method: str, path: str, route: str, then: str = "200", body: Mapping[str, Any] | None = None,
       states: tuple[str, ...] = ALL, undo: bool = False) -> Ask:  # fmt: skip
    return Ask(act, method, f"/projects/{{project}}{path}", route, then, body, states, undo)


API = (
    _p("see-people", "GET", "/people", "getPeople"),
    _p("see-signals", "GET", "/signals", "listProjectSignals"),
    _p("see-impact", "GET", "/impact", "getProjectImpact"),
    _p("see-people", "GET", "/invitations", "getInvitations", states=ACTIVE),
    _p("see-people", "GET", "/removals", "getRemovals", states=ACTIVE),
    _p("see-people", "GET", "/publishers", "listPublishers", states=ACTIVE),
    _p("see-people", "GET", "/publishers-only", "getPublishersOnly", states=ACTIVE),
    _p("yank", "POST", "/yank", "yankFiles", "400 yank.selection", {"version": "9.9"}),
    _p("yank", "POST", "/unyank", "unyankFiles", "400 yank.selection", {"version": "9.9"}, ACTIVE),
    _p("archive", "POST", "/undeprecate", "undeprecateProject", "409 lifecycle.transition",
       states=("active", "archived", "quarantined", "closed")),
    _p("archive", "POST", "/deprecate", "deprecateProject", "200", {}, ("deprecated",)),
    _p("archive", "POST", "/archive", "archiveProject", "200", {}, ("archived",)),
    _p("archive", "DELETE", "/unarchiving", "callOffUnarchiving", "409 lifecycle.unarchive-none", states=ACTIVE),
    _p("archive", "POST", "/resume", "resumeProject", "409 lifecycle.transition", states=ACTIVE),
    _p("archive", "POST", "/wish", "wishProject", "200", {"wish": "none"}, ACTIVE),
    _p("read", "GET", "/status", "getProjectStatus", states=ACTIVE),
    _p("unarchive", "POST", "/unarchive", "unarchiveProject", "409 lifecycle.transition",
       states=("active", "quarantined", "deprecated", "closed")),
    _p("unarchive", "POST", "/unarchive", "unarchiveProject", states=("archived",), undo=True),
    _p("hold", "POST", "/clear", "clearProject", "409 lifecycle.transition", {},
       ("active", "archived", "deprecated", "closed")),
    _p("hold", "POST", "/quarantine", "quarantineProject", "200", {}, ("quarantined",)),
    _p("classify", "POST", "/reclassify", "reclassifyProject", "200", {"impact": "C1"}),
    _p("condemn", "POST", "/condemn", "condemnProject", "409 lifecycle.transition", {},
       ("active", "archived", "deprecated", "closed")),
    _p("withhold", "POST", "/withhold", "withholdProject", "404 project.place", {"version": "9.9", "code": "secret"}),
    _p("withhold", "POST", "/unwithhold", "unwithholdProject", "404 project.place", {"version": "9.9"}, ACTIVE),
    _p("report", "POST", "/reports", "reportProject", "404 project.place",
       {"kind": "other", "summary": "A test.", "version": "9.9"}),
    _p("appeal", "POST", "/appeals", "appeal", "409 appeal.nothing", {"text": "No."}, ACTIVE),
    _p("appeal", "GET", "/appeals", "listAppeals"),
    _p("moderate", "GET", "/contents?file=none.whl", "listContents", "404 examine.exists"),
    _p("moderate", "GET", "/contents/member?file=none.whl&path=x", "readMember", "404 examine.exists", states=ACTIVE),
    _p("moderate", "GET", "/comparison?version=99", "compareReleases", "404 examine.exists", states=ACTIVE),
    _p("invite", "POST", "/invitations", "invite", "404 account.exists", {"whom": "ghost", "role": "owner"}),
    _p("invite", "DELETE", "/invitations/{withdrawn}", "withdrawInvitation", "409 role.invitation", states=ACTIVE),
    _p("grant", "PUT", "/people/ghost", "giveRole", "404 account.exists", {"role": "owner"}),
    _p("propose-removal", "POST", "/removals", "proposeRemoval", "404 removal.role",
       {"account": "ghost", "reason": "Gone."}),
    _p("remove", "DELETE", "/people/ghost", "removePerson", "404 removal.role"),
    _p("leave", "POST", "/leave", "leaveProject", "204", undo=True),
    _p("message", "POST", "/messages", "sendMessage", "404 message.nobody",
       {"topic": "other", "text": "Hello.", "to": "ghost"}),
    _p("set-publishers", "DELETE", f"/publishers/{_UNKNOWN}", "removePublisher", "404 publisher.exists"),
    _p("set-publishers", "POST", f"/publishers/{_UNKNOWN}/confirm", "confirmPublisher", "404 publisher.exists",
       states=ACTIVE),
    _p("set-publishers", "POST", "/publishers", "addPublisher", "409 publisher.there", _PUBLISHER, ACTIVE),
    _p("require-publishers", "PUT", "/publishers-only", "setPublishersOnly", "409 publisher.none",
       {"required": True}, (LONE,)),
    _p("require-publishers", "PUT", "/publishers-only", "setPublishersOnly", "200", {"required": True}, ("closed",)),
    _p("release-publishers", "PUT", "/publishers-only", "setPublishersOnly", "409 publisher.open",
       {"required": False}, ("active", "archived", "quarantined", "deprecated")),
    _p("release-publishers", "PUT", "/publishers-only", "setPublishersOnly", "200", {"required": False}, ("closed",),
       undo=True),
    _p("see-webhooks", "GET", "/webhooks", "listProjectWebhooks", states=ACTIVE),
    _p("set-webhooks", "POST", "/webhooks", "addProjectWebhook", "400 webhook.url", {"url": "ftp://example.org/"},
       ACTIVE),
    Ask("see-moderation", "GET", "/cases?limit=1", "listCases"),
    Ask("see-moderation", "GET", "/cases/2026-9999", "getCase", "404 case.exists"),
    Ask("see-moderation", "GET", "/accounts/ghost/trusted-reporter", "getReporter", "404 account.exists"),
    Ask("trust-reporters", "PUT", "/accounts/ghost/trusted-reporter", "trustReporter", "404 account.exists"),
    Ask("trust-reporters", "DELETE", "/accounts/ghost/trusted-reporter", "distrustReporter", "404 account.exists"),
    Ask("moderate", "PUT", "/cases/2026-9999/taken", "takeCase", "404 case.exists"),
    Ask("moderate", "DELETE", "/cases/2026-9999/taken", "giveCaseBack", "404 case.exists"),
    Ask("moderate", "POST", "/cases/2026-9999/notes", "noteInCase", "404 case.exists", {"text": "A test."}),
    Ask("moderate", "POST", "/cases/2026-9999/dismiss", "dismissCase", "404 case.exists", {"text": "A test."}),
    Ask("hold", "POST", "/cases/2026-9999/confirm", "confirmCase", "404 case.exists"),
    Ask("hold", "POST", "/appeals/999999/answer", "answerAppeal", "404 appeal.exists",
        {"text": "A test.", "outcome": "kept"}),
    Ask("see-account", "GET", "/account/reports?limit=1", "listReports"),
    Ask("manage-account", "GET", "/account/standing", "getAccountStanding"),
    Ask("manage-account", "GET", "/account/factors", "listFactors"),
    Ask("see-account", "GET", "/account/events?limit=1", "listOwnEvents"),
    Ask("see-account", "GET", "/account/projects?limit=1", "getMyProjects"),
    Ask("see-account", "GET", "/account/invitations", "getMyInvitations"),
    Ask("see-account", "GET", "/account/pending-publishers", "listPendingPublishers"),
    Ask("see-account", "GET", "/tokens?limit=1", "listTokens"),
    Ask("see-account", "GET", f"/tokens/{_UNKNOWN}", "getToken", "404 token.exists"),
    Ask("see-account", "GET", "/machines", "listMachines"),
    Ask("see-account", "GET", "/machine-invitations", "listMachineInvitations"),
    Ask("create-token", "POST", "/tokens", "createToken", "201", {"actions": ["manage"]}),
    Ask("revoke-token", "DELETE", f"/tokens/{_UNKNOWN}", "revokeToken", "404 token.exists"),
    Ask("manage-account", "DELETE", f"/account/sessions/{_UNKNOWN}", "endSession", "404 session.exists"),
    Ask("manage-account", "GET", "/account/sessions", "listSessions"),
    Ask("manage-account", "GET", "/account/emails", "listEmails"),
    Ask("manage-account", "DELETE", f"/account/pending-publishers/{_UNKNOWN}", "removePendingPublisher",
        "404 publisher.exists"),
    Ask("reserve", "POST", "/account/pending-publishers", "addPendingPublisher", "409 publisher.project-exists",
        {**_PUBLISHER, "project": PROJECTS["active"]}),
    Ask("create-machine", "POST", "/machines", "createMachine", "400 account.reserved", {"name": "operator"}),
    Ask("answer-invitation", "POST", "/account/invitations/999999/accept", "acceptInvitation",
        "404 role.no-invitation"),
    Ask("answer-invitation", "POST", "/account/invitations/999999/refuse", "refuseInvitation",
        "404 role.no-invitation"),
    Ask("manage-account", "PUT", "/account/messaging", "setMessaging", "204", {"accepts": True}),
    Ask("manage-account", "PUT", "/account/messaging/blocked/ghost", "blockSender", "404 account.exists"),
    Ask("manage-account", "DELETE", "/account/messaging/blocked/ghost", "unblockSender", "404 account.exists"),
    Ask("sponsor", "POST", f"/machine-invitations/{_UNKNOWN}", "answerMachineInvitation", "404 machine.offer",
        {"answer": "accept"}),
    Ask("see-machine", "GET", f"/machines/{ROBOT}", "getMachine"),
    Ask("see-machine", "GET", f"/machines/{ROBOT}/tokens", "listMachineTokens"),
    Ask("run-machine", "POST", f"/machines/{ROBOT}/invitations", "inviteSponsor", "404 account.exists",
        {"account": "ghost"}),
    Ask("run-machine", "POST", f"/machines/{ROBOT}/tokens", "createMachineToken", "400 machine.token",
        {"actions": ["manage"], "expires_at": "{soon}", "projects": []}),
    Ask("revoke-machine-token", "DELETE", f"/machines/{ROBOT}/tokens/{_UNKNOWN}", "revokeMachineToken",
        "404 token.exists"),
    Ask("release-machine", "DELETE", f"/machines/{ROBOT}/sponsorship", "leaveMachine", "204", undo=True),
    Ask("retire-machine", "DELETE", f"/machines/{ROBOT}", "retireMachine", "409 machine.only-owner"),
    Ask("set-sponsors", "PUT", f"/machines/{ROBOT}/sponsors/ghost", "addSponsor", "404 account.exists"),
    Ask("set-sponsors", "DELETE", f"/machines/{ROBOT}/sponsors/ghost", "removeSponsor"),
    Ask("see-accounts", "GET", "/accounts?limit=1", "listAccounts"),
    Ask("see-accounts", "GET", "/accounts/ghost", "getAnyAccount", "404 account.exists"),
    Ask("see-log", "GET", "/events?limit=1", "listEvents"),
    Ask("freeze", "PUT", "/accounts/ghost/freeze", "freezeAccount", "404 account.exists", {"reason": "A test."}),
    Ask("freeze", "DELETE", "/accounts/ghost/freeze", "thawAccount", "404 account.exists"),
    Ask("see-index-webhooks", "GET", "/webhooks", "listWebhooks"),
    Ask("set-index-webhooks", "POST", "/webhooks", "addWebhook", "400 webhook.url", {"url": "ftp://example.org/"}),
    Ask("see-campaigns", "GET", "/campaigns", "listCampaigns"),
    Ask("see-campaigns", "GET", "/campaigns/ghost", "getCampaign", "404 campaign.exists"),
    Ask("set-campaigns", "POST", "/campaigns", "makeCampaign", "400 campaign.time", {
        "name": "keys", "title": "Keys", "text": "A test.", "eligible": {}, "closes_at": "2020-01-01T00:00:00Z"}),
    Ask("set-campaigns", "POST", "/campaigns/ghost/codes", "addCampaignCodes", "404 campaign.exists", {"codes": "A"}),
    Ask("set-campaigns", "POST", "/campaigns/ghost/announcement", "announceCampaign", "404 campaign.exists"),
    Ask("set-campaigns", "POST", "/campaigns/ghost/close", "closeCampaign", "404 campaign.exists"),
    Ask("set-office", "PUT", "/accounts/ghost/office", "setOffice", "404 account.exists", {"office": None}),
)  # fmt: skip

CLIENTS = (
    Ask("read", "GET", "/simple/{project}/", "/simple/{name}/", states=ALL),
    Ask("upload", "POST", "/legacy/", "/legacy/", "200", {}, ALL),
    Ask("create", "POST", "/legacy/", "/legacy/", "400 name.standard-library", {}, ("create",)),
)
"""What upload clients and installers ask, with a token."""

_PROJECT_PAGE = "/account/projects/{name}"
_MACHINE_PAGE = "/account/machines/{name}"
_CASE_PAGE = "/admin/cases/{number}"


def _f(act: str, path: str, then: str, body: Mapping[str, Any] | None = None, *, states: tuple[str, ...] = ACTIVE,
       undo: bool = False, under: str = _PROJECT_PAGE) -> Ask:  # fmt: skip
    """A form of a project's page, or of a machine's."""
    filled = path.replace("{id:int}", "{withdrawn}").replace("{id}", _UNKNOWN)
    place = f"{under}{filled}".replace("{name}", "{project}" if under == _PROJECT_PAGE else ROBOT)
    return Ask(
        act, "POST", place, f"{under}{path}", then, body or {}, states if under == _PROJECT_PAGE else ("",), undo
    )


def _on_machine(act: str, path: str, then: str, body: Mapping[str, Any]) -> Ask:
    return _f(act, path, then, body, under=_MACHINE_PAGE)


def _page(act: str, path: str, route: str = "", then: str = "200", body: Mapping[str, Any] | None = None) -> Ask:
    return Ask(act, "GET" if body is None else "POST", path, route or path, then, body)


def _in_case(act: str, path: str, then: str, body: Mapping[str, Any] | None = None) -> Ask:
    """A form in the case that the scene has."""
    return _page(act, f"/admin/cases/{CASE}{path}", f"{_CASE_PAGE}{path}", then, body or {})


def _holding(act: str, word: str, then: str, body: Mapping[str, Any]) -> Ask:
    """The form that holds something, sent to act, on the quarantined project."""
    place, route = (f"/admin/projects/{name}/{word}" for name in ("{project}", "{name}"))
    return Ask(act, "POST", place, route, then, {**body, "step": "act"}, ("quarantined",))


PAGES = (
    Ask("see-people", "GET", "/account/projects/{project}", _PROJECT_PAGE, states=ALL),
    Ask("see-people", "GET", "/account/projects/{project}/people.json", f"{_PROJECT_PAGE}/people.json", states=ACTIVE),
    Ask("see-people", "GET", "/account/projects/{project}/people.csv", f"{_PROJECT_PAGE}/people.csv", states=ACTIVE),
    Ask("see-people", "GET", "/account/projects/{project}/publishing", f"{_PROJECT_PAGE}/publishing", states=ACTIVE),
    Ask("see-people", "GET", "/account/projects/{project}/state", f"{_PROJECT_PAGE}/state", states=ACTIVE),
    Ask("see-people", "GET", "/account/projects/{project}/state/preview?act=none", f"{_PROJECT_PAGE}/state/preview",
        "409 lifecycle.transition", states=ACTIVE),
    _f("yank", "/state", "400 yank.selection", {"act": "yank", "version": "9.9"}),
    _f("archive", "/state", "303", {"act": "archive"}, states=("archived",)),
    _f("unarchive", "/state", "409 lifecycle.transition", {"act": "unarchive"}),
    _f("withhold", "/state", "404 project.place", {"act": "withhold", "release": "9.9", "code": "secret"}),
    _f("invite", "/invite", "400 account.exists", {"whom": "ghost", "role": "owner"}),
    _f("invite", "/invitations/{id:int}/withdraw", "409 role.invitation"),
    _f("propose-removal", "/propose", "404 removal.role", {"account": "ghost", "reason": "Gone."}),
    _f("remove", "/remove", "404 removal.role", {"account": "ghost"}),
    _f("leave", "/leave", "303", states=ALL, undo=True),
    _f("message", "/message", "404 message.nobody", {"topic": "other", "text": "Hello.", "to": "ghost"}),
    _f("manage-account", "/block", "400 account.exists", {"sender": "ghost"}),
    _f("set-publishers", "/publishing", "400 publisher.there", {
        "service": _PUBLISHER["issuer"], "field_owner": "fromagerie", "field_repository": "matrix",
        "field_workflow": "release.yml"}),
    _f("set-publishers", "/publishing/{id}/remove", "400 publisher.exists"),
    Ask("see-webhooks", "GET", "/account/projects/{project}/webhooks", f"{_PROJECT_PAGE}/webhooks", states=ACTIVE),
    Ask("see-webhooks", "GET", f"/account/projects/{{project}}/webhooks/{_UNKNOWN}", f"{_PROJECT_PAGE}/webhooks/{{id}}",
        "404 webhook.exists", states=ACTIVE),
    _f("see-webhooks", "/webhooks/{id}", "404 webhook.exists", {"act": "remove"}),
    _f("set-webhooks", "/webhooks", "400 webhook.url", {"url": "ftp://example.org/"}),
    _f("require-publishers", "/publishing/require", "400 publisher.none", states=(LONE,)),
    _f("require-publishers", "/publishing/keep", "400 publisher.open",
       states=("active", "archived", "quarantined", "deprecated")),
    _f("require-publishers", "/publishing/keep", "303", states=("closed",)),
    _f("release-publishers", "/publishing/release", "400 publisher.open"),
    _f("release-publishers", "/publishing/release", "303", states=("closed",), undo=True),
    *(_page("see-account", path) for path in (
        "/account", "/account/", "/account/log", "/account/log.jsonl", "/account/log.csv", "/account/machines",
        "/account/security", "/account/emails", "/account/tokens", "/account/projects", "/account/invitations",
        "/account/publishing", "/account/delete", "/account/password", "/account/emails/verify",
        "/account/reports")),
    _page("change-account", "/account/emails/999999/primary", "/account/emails/{id:int}/primary",
          "404 email.unknown", {}),
    _page("change-account", "/account/emails/999999/remove", "/account/emails/{id:int}/remove",
          "404 email.unknown", {}),
    _page("change-account", "/account/security/factors/999999/remove", "/account/security/factors/{id:int}/remove",
          "403 factor.exists", {}),
    _page("change-account", "/account/security/recoveries/999999/vouch", "/account/security/recoveries/{id:int}/vouch",
          "400 recovery.exists", {}),
    _page("delete-account", "/account/delete", "", "400 account.sole-sponsor", {"name": "{me}"}),
    _page("create-token", "/account/tokens", "", "200", {"action": "read", "for": "all", "days": "1"}),
    _page("manage-account", f"/account/sessions/{_UNKNOWN}/end", "/account/sessions/{id}/end",
          "404 session.exists", {}),
    _page("manage-account", f"/account/publishing/{_UNKNOWN}/withdraw", "/account/publishing/{id}/withdraw",
          "400 publisher.exists", {}),
    _page("reserve", "/account/publishing", "", "400 publisher.project-exists", {
        "service": _PUBLISHER["issuer"], "project": PROJECTS["active"], "field_owner": "fromagerie",
        "field_repository": "matrix", "field_workflow": "release.yml"}),
    _page("create-machine", "/account/machines", "", "400 account.reserved", {"name": "operator"}),
    _page("sponsor", f"/account/machines/offers/{_UNKNOWN}", "/account/machines/offers/{offer}", "404 machine.offer",
          {"answer": "accept"}),
    _page("answer-invitation", "/account/invitations/999999/accept", "/account/invitations/{id:int}/accept",
          "404 role.no-invitation", {}),
    _page("answer-invitation", "/account/invitations/999999/refuse", "/account/invitations/{id:int}/refuse",
          "404 role.no-invitation", {}),
    _page("manage-account", "/account/projects/messages", "", "303", {"accepts": "yes"}),
    _page("manage-account", "/account/projects/unblock", "", "400 account.exists", {"sender": "ghost"}),
    Ask("see-machine", "GET", f"/account/machines/{ROBOT}", _MACHINE_PAGE),
    _on_machine("run-machine", "/invite", "400 account.exists", {"account": "ghost"}),
    _on_machine("run-machine", "/tokens", "400 machine.token", {"action": "manage", "days": "1"}),
    _on_machine("revoke-machine-token", "/revoke", "404 token.exists", {"token": _UNKNOWN}),
    _on_machine("retire-machine", "/retire", "409 machine.only-owner", {"name": ROBOT}),
    _page("moderate", "/admin/projects/matrix-active/files/none.whl", "/admin/projects/{name}/files/{file}",
          "404 examine.exists"),
    _page("moderate", "/admin/projects/matrix-active/compare?to=99", "/admin/projects/{name}/compare",
          "404 examine.exists"),
    _page("see-moderation", "/admin/cases"),
    _page("see-moderation", f"/admin/cases/{CASE}", _CASE_PAGE),
    _in_case("moderate", "/take", "303"),
    _in_case("moderate", "/give-back", "303"),
    _in_case("moderate", "/note", "400 case.note"),
    _in_case("moderate", "/dismiss", "400 case.note"),
    _in_case("hold", "/confirm", "409 case.nothing"),
    _in_case("hold", "/answer", "404 appeal.exists", {"appeal": "999999", "answer": "A test."}),
    _page("see-moderation", "/admin/projects?name=matrix-active", "/admin/projects", "303"),
    *(Ask("see-moderation", "GET", f"/admin/projects/{{project}}/{act}", f"/admin/projects/{{name}}/{act}",
          states=ACTIVE) for act in ("quarantine", "clear", "condemn", "withhold", "unwithhold")),
    _holding("hold", "quarantine", "303", {"place": ""}),
    _holding("hold", "clear", "404 project.place", {"place": "release 9.9"}),
    _holding("condemn", "condemn", "400 lifecycle.code", {"place": "", "code": "nonsense"}),
    _page("claim-voucher", "/account/vouchers"),
    _page("claim-voucher", "/account/vouchers/ghost", "/account/vouchers/{name}", "404 campaign.exists", {}),
    _page("see-campaigns", "/admin/campaigns"),
    _page("set-campaigns", "/admin/campaigns", "", "400 campaign.time", {"name": "keys"}),
    _page("see-campaigns", "/admin/campaigns/ghost", "/admin/campaigns/{name}", "404 campaign.exists"),
    _page("set-campaigns", "/admin/campaigns/ghost", "/admin/campaigns/{name}", "404 campaign.exists", {}),
    _page("see-index-webhooks", "/admin/webhooks"),
    _page("see-index-webhooks", f"/admin/webhooks/{_UNKNOWN}", "/admin/webhooks/{id}", "404 webhook.exists"),
    _page("see-index-webhooks", f"/admin/webhooks/{_UNKNOWN}", "/admin/webhooks/{id}", "404 webhook.exists", {}),
    _page("set-index-webhooks", "/admin/webhooks", "", "400 webhook.url", {"url": "ftp://example.org/"}),
    _page("see-accounts", "/admin/"),
    _page("see-accounts", "/admin/invitations"),
    _page("trust-reporters", "/admin/accounts/ghost/reports", "/admin/accounts/{name}/reports", "404 account.exists",
          {"act": "trust"}),
    _page("see-accounts", "/admin/accounts/ghost", "/admin/accounts/{name}", "404 account.exists"),
    *(_page("see-log", path) for path in ("/admin/log", "/admin/log.jsonl", "/admin/log.csv")),
    _page("freeze", "/admin/accounts/ghost/freeze", "/admin/accounts/{name}/freeze", "404 account.exists",
          {"reason": "A test."}),
    _page("set-office", "/admin/accounts/nobody-strong/office", "/admin/accounts/{name}/office", "303",
          {"office": "none"}),
    _page("invite-account", "/admin/invitations", "", "400 email.format", {"address": "nonsense"}),
)  # fmt: skip


_API, _CLIENTS = ({id(each) for each in asks} for asks in (API, CLIENTS))
_LEADS_TO = {"/account/frozen": "frozen", "/account/confirm": "proof", "/account/sign-in": "nobody"}


def send(line: http.client.HTTPConnection, scene: Scene, ask: Ask, state: str, who: Person | None, token: str) -> str:
    """Ask, and say what came of it: the status, and the rule if one refused; of a redirect what it leads to.

    Pages are asked with ``who``'s session, everything else with ``token``.
    """
    places = {
        "project": PROJECTS.get(state, ""),
        "withdrawn": str(scene.withdrawn),
        "me": who.name if who else "",
        "soon": f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
    }

    def filled(text: str) -> str:
        return re.sub(r"\{(project|withdrawn|me|soon)\}", lambda found: places[found[1]], text)

    path, given = filled(ask.path), json.loads(filled(json.dumps(ask.body)))
    headers, body = {"accept": "application/json, */*;q=0.5"}, b""
    if token:
        headers["authorization"] = f"Bearer {token}"
    if id(ask) in _API:
        path = f"/api/v1{path}"
        if given is not None:
            body, headers["content-type"] = json.dumps(given).encode(), "application/json"
    elif id(ask) in _CLIENTS:
        if given is not None:
            body, headers["content-type"] = scene.forms[state], f"multipart/form-data; boundary={BOUNDARY}"
    else:
        headers |= {"accept": "text/html", "sec-fetch-site": "same-origin", "cookie": who.cookies if who else ""}
        if given is not None:
            body = urlencode({"form_key": who.form_key if who else "", **given}).encode()
            headers["content-type"] = "application/x-www-form-urlencoded"
    line.request(ask.method, path, body, headers)
    answer = line.getresponse()
    return _said(answer.status, answer.getheader("location") or "", answer.read().decode("utf-8", "replace"))


def _said(status: int, location: str, text: str) -> str:
    if status == 303:
        return _LEADS_TO.get(urlsplit(location).path, "303")
    if status < 400:
        return str(status)
    found = re.search(r'"rule":"([a-z.-]+)"', text) or re.search(r'help/rules/([a-z.-]+)"', text)
    return f"{status} {found[1]}" if found else str(status)


ELSEWHERE = {
    # The API.
    "getEntrance": "open to anybody, as its description says",
    "getDescription": "open to anybody, as its description says",
    "listPublisherIssuers": "open to anybody: which services are listened to",
    "getAccount": "whose token it is: every identity may ask, and frozen ones may not (`test_machines_and_offices`)",
    "changeAccount": "the same act as setMessaging",
    "endSessions": "the same act as endSession, on every session (`test_accounts`)",
    "objectToRemoval": "takes a proposal about whoever asks, and is the act message (`test_api_roles`)",
    "consentToRemoval": "takes a proposal about whoever asks, and is the act leave (`test_api_roles`)",
    "withdrawRemoval": "takes a proposal of whoever asks, and is the act propose-removal (`test_api_roles`)",
    "withdrawMachineInvitation": "takes an open invitation, and is the act run-machine (`test_machines`)",
    "listAccountInvitations": "the act see-accounts, as its page",
    "inviteAccount": "the act invite-account, as its page",
    "withdrawAccountInvitation": "the act invite-account, as its page",
    "listMessages": "the act see-account",
    "finishProject": "the act archive, as resumeProject",
    **dict.fromkeys(
        (
            f"{act}Many"
            for act in (
                "yank",
                "unyank",
                "archive",
                "unarchive",
                "finish",
                "resume",
                "deprecate",
                "undeprecate",
                "wish",
                "reclassify",
            )
        ),
        "asks for each project what the act on one asks for (`test_api_life`)",
    ),
    **dict.fromkeys(
        (
            "getDependents",
            "listDirectDependents",
            "listIndirectDependents",
            "getWhy",
            "getWhyOfRequirements",
            "getCut",
            "getCutOfRequirements",
            "getNotice",
        ),
        "is for everybody who may read the index, as the pages are (`test_dependents`)",
    ),
    "getDownloads": "is for everybody who may read the index, as the pages are (`test_statistics`)",
    **dict.fromkeys(
        ("getWebhook", "listDeliveries"),
        "takes a webhook, and is the act see-webhooks of its project (`test_webhooks`)",
    ),
    **dict.fromkeys(
        (
            "changeWebhook",
            "removeWebhook",
            "pauseWebhook",
            "resumeWebhook",
            "renewWebhookSecret",
            "pingWebhook",
            "redeliver",
        ),
        "takes a webhook, and is the act set-webhooks of its project (`test_webhooks`)",
    ),
}
"""Operations of the API that the matrix does not ask for, and why."""

_ONESELF = "about whoever is signed in alone"
PAGES_ELSEWHERE = {
    **dict.fromkeys(
        ("/account/sign-in", "/account/sign-in/passkey", "/account/sign-out", "/account/second-factor",
         "/account/register", "/account/register/finish", "/account/forgotten", "/account/password/reset",
         "/account/recovery", "/account/recovery/complete", "/account/recovery/open", "/account/recovery/cancel",
         "/account/company", "/account/company/back"),
        "for somebody who is not signed in yet: proofs, not permissions",
    ),
    "/account/frozen": "for whoever is frozen",
    "/account/confirm": "where a proof is given",
    **dict.fromkeys(
        ("/account/emails", "/account/emails/{id:int}/send", "/account/security/factors/{id:int}/rename",
         "/account/security/factors/{id:int}/keep", "/account/security/passkeys/new", "/account/security/apps/new",
         "/account/security/codes", "/account/security/recovery/cancel", "/account/password",
         "/account/company/link", "/account/company/unlink", "/account/sessions/end-others", "/account/messages",
         "/account/first-steps", "/account/emails/verify"),
        _ONESELF,
    ),
    "/account/tokens/{id}/revoke": "takes a token of whoever is signed in: revoke-token (`test_tokens`)",
    "/account/tokens/{id}/confirm": "takes a token of whoever is signed in: change-account (`test_tokens`)",
    **dict.fromkeys(
        (f"{_PROJECT_PAGE}/proposals/{{id:int}}/{word}" for word in ("withdraw", "object", "consent")),
        "takes a proposal by or about whoever is signed in (`test_people_of_projects`)",
    ),
    f"{_PROJECT_PAGE}/unarchiving": "the act unarchive, as through the API (`test_owners_acts`)",
    f"{_PROJECT_PAGE}/unarchiving/call-off": "the act archive, as callOffUnarchiving",
    f"{_PROJECT_PAGE}/publishing/{{id}}/confirm": "the act set-publishers, as confirmPublisher",
    f"{_MACHINE_PAGE}/withdraw": "takes an open invitation, and is the act run-machine (`test_machines`)",
    f"{_MACHINE_PAGE}/leave": "takes a sponsor, who is one no more then: the act release-machine (`test_machines`)",
    "/admin/accounts/{name}/vouch": "takes somebody who waits to get back in: change-account (`test_factors`)",
    **dict.fromkeys(
        (f"/admin/projects/{{name}}/{word}" for word in ("withhold", "unwithhold")),
        "the act withhold, as through the API, of those who see cases: owners have a page of their own for it",
    ),
    "/admin": "leads to /admin/",
}  # fmt: skip
"""Routes of pages that take no part in the matrix, and why. Where one shows and acts, this is about acting."""

OPEN = (
    "/simple", "/packages/", "/pypi", "/rss/", "/journal", "/statuses", "/legacy", "/edge/file", "/metrics",
    "/health/", "/_/", "/.well-known/", "/danger-api/", "/api", "/search", "/statistics", "/badges/", "/project/",
    "/help", "/favicon.ico", "/static/",
)  # fmt: skip
"""Where no account's right is asked, beyond reading a private index; below /_/, identities of jobs and reporters."""
