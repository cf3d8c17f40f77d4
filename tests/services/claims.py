"""The claims that forges and clouds put into the tokens of a job, as far as any index has looked at them.

Names and forms are those of: GitHub, "OpenID Connect reference" (docs.github.com); GitLab, "ID token
authentication" (docs.gitlab.com); Google, "OpenID Connect" (developers.google.com/identity); ActiveState, the
claims that Warehouse knows (warehouse/oidc/models/activestate.py). The values are of nobody.

Each is one project's good token; a test replaces what it wants to be wrong: ``issuer.token(**github(ref="…"))``.
"""

from __future__ import annotations

from collections.abc import Mapping

SHA = "8fe1b322a576d59fe6257052a4107df7dc1b8c78"

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITLAB_ISSUER = "https://gitlab.com"
GOOGLE_ISSUER = "https://accounts.google.com"
ACTIVESTATE_ISSUER = "https://platform.activestate.com/api/v1/oauth/oidc"

GITHUB_JOB: Mapping[str, object] = {
    "sub": "repo:fromagerie/roquefort:ref:refs/tags/v1.0",
    "actor": "mona",
    "actor_id": "10001",
    "base_ref": "",
    "event_name": "push",
    "head_ref": "",
    "job_workflow_ref": "fromagerie/roquefort/.github/workflows/release.yml@refs/tags/v1.0",
    "job_workflow_sha": SHA,
    "ref": "refs/tags/v1.0",
    "ref_protected": "false",
    "ref_type": "tag",
    "repository": "fromagerie/roquefort",
    "repository_id": "70001",
    "repository_owner": "fromagerie",
    "repository_owner_id": "50001",
    "repository_visibility": "public",
    "run_attempt": "1",
    "run_id": "90001",
    "run_number": "7",
    "runner_environment": "github-hosted",
    "sha": SHA,
    "workflow": "Release",
    "workflow_ref": "fromagerie/roquefort/.github/workflows/release.yml@refs/tags/v1.0",
    "workflow_sha": SHA,
}

GITLAB_JOB: Mapping[str, object] = {
    "sub": "project_path:fromagerie/roquefort:ref_type:tag:ref:v1.0",
    "ci_config_ref_uri": "gitlab.com/fromagerie/roquefort//.gitlab-ci.yml@refs/tags/v1.0",
    "ci_config_sha": SHA,
    "job_id": "8222997048",
    "namespace_id": "50001",
    "namespace_path": "fromagerie",
    "pipeline_id": "1519139981",
    "pipeline_source": "push",
    "project_id": "70001",
    "project_path": "fromagerie/roquefort",
    "project_visibility": "public",
    "ref": "v1.0",
    "ref_path": "refs/tags/v1.0",
    "ref_protected": "true",
    "ref_type": "tag",
    "runner_environment": "gitlab-hosted",
    "runner_id": 12270835,
    "sha": SHA,
    "user_access_level": "owner",
    "user_email": "mona@example.org",
    "user_id": "10001",
    "user_login": "mona",
}

GOOGLE_SERVICE_ACCOUNT: Mapping[str, object] = {
    "sub": "111260650121185072906",
    "azp": "111260650121185072906",
    "email": "release@fromagerie.example.org",
    "email_verified": True,
}

ACTIVESTATE_BUILD: Mapping[str, object] = {
    "sub": "org:fromagerie:project:roquefort",
    "actor": "mona",
    "actor_id": "00000000-1000-8000-8000-000000000003",
    "artifact_id": "00000000-1000-8000-8000-000000000004",
    "builder": "pypi-publisher",
    "ingredient": "roquefort",
    "organization": "fromagerie",
    "organization_id": "00000000-1000-8000-8000-000000000001",
    "project": "roquefort",
    "project_id": "00000000-1000-8000-8000-000000000002",
    "project_path": "fromagerie/roquefort",
    "project_visibility": "public",
}


def github(repository: str = "fromagerie/roquefort", workflow: str = "release.yml", ref: str = "refs/tags/v1.0",
           environment: str | None = None, **claims: object) -> dict[str, object]:  # fmt: skip
    """The claims of a GitHub job; those that follow from ``repository``, ``workflow`` … agree with one another.

    With ``environment`` the job runs in one, which the subject then names instead of the ref.
    """
    owner = repository.partition("/")[0]
    where = f"environment:{environment}" if environment else f"ref:{ref}"
    path = f"{repository}/.github/workflows/{workflow}@{ref}"
    derived: dict[str, object] = {
        "sub": f"repo:{repository}:{where}",
        "repository": repository,
        "repository_owner": owner,
        "ref": ref,
        "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
        "job_workflow_ref": path,
        "workflow_ref": path,
    }
    return {**GITHUB_JOB, **derived, **({"environment": environment} if environment else {}), **claims}


def gitlab(project_path: str = "fromagerie/roquefort", config: str = ".gitlab-ci.yml",
           ref_path: str = "refs/tags/v1.0", host: str = "gitlab.com",
           environment: str | None = None, **claims: object) -> dict[str, object]:  # fmt: skip
    """The claims of a GitLab job of the instance at ``host``; derived claims agree with one another."""
    kind = "tag" if ref_path.startswith("refs/tags/") else "branch"
    ref = ref_path.removeprefix("refs/tags/").removeprefix("refs/heads/")
    derived: dict[str, object] = {
        "sub": f"project_path:{project_path}:ref_type:{kind}:ref:{ref}",
        "ci_config_ref_uri": f"{host}/{project_path}//{config}@{ref_path}",
        "namespace_path": project_path.rpartition("/")[0],
        "project_path": project_path,
        "ref": ref,
        "ref_path": ref_path,
        "ref_type": kind,
    }
    deployed = {"environment": environment, "environment_protected": "true"} if environment else {}
    return {**GITLAB_JOB, **derived, **deployed, **claims}


def google(email: str = "release@fromagerie.example.org", **claims: object) -> dict[str, object]:
    """The claims of a Google service account."""
    return {**GOOGLE_SERVICE_ACCOUNT, "email": email, **claims}


def activestate(organization: str = "fromagerie", project: str = "roquefort", **claims: object) -> dict[str, object]:
    """The claims of an ActiveState build; derived claims agree with one another."""
    derived: dict[str, object] = {
        "sub": f"org:{organization}:project:{project}",
        "organization": organization,
        "project": project,
        "project_path": f"{organization}/{project}",
    }
    return {**ACTIVESTATE_BUILD, **derived, **claims}
