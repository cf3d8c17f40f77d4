"""The limit: nginx with a plain tree of the same bytes, its open-file cache on and its log off."""

from __future__ import annotations

import os
from pathlib import Path

from bench.contestants.base import WORKERS, Contestant
from bench.dataset import Wheel
from bench.environments import nginx_program
from bench.publishing import Target
from bench.rows import JSON_TYPE, Row

# One location for each form: nothing is negotiated, nothing tried, nothing logged. What a server does beyond
# this costs something; this is what the sending itself costs.
_CONFIGURATION = """\
{user}
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=10000 inactive=60s;
  open_file_cache_valid 30s;
  client_body_temp_path {folder}/temporary;
  proxy_temp_path {folder}/temporary;
  fastcgi_temp_path {folder}/temporary;
  uwsgi_temp_path {folder}/temporary;
  scgi_temp_path {folder}/temporary;
  types {{ }}
  server {{
    listen 127.0.0.1:{port};
    root {folder}/tree;
    default_type application/octet-stream;
    location /html/ {{ default_type text/html; }}
    location /json/ {{ default_type {json_type}; }}
    location /json-gzip/ {{ default_type {json_type}; add_header Content-Encoding gzip; }}
    location /file/ {{ }}
    location = /ready {{ return 200; }}
  }}
}}
"""


class Nginx(Contestant):
    """Plain nginx. `put` gives it the bytes to send."""

    name = "nginx"
    takes_uploads = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program = nginx_program()

    def put(self, row: Row, body: bytes) -> None:
        """Place the body of ``row`` in the tree."""
        target = self.folder / "tree" / row.form / row.project
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)

    def command(self) -> list[str]:
        (self.folder / "tree").mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        configuration.write_text(
            _CONFIGURATION.format(user=user, workers=WORKERS, folder=self.folder, port=self.port, json_type=JSON_TYPE)
        )
        return [str(self.program), "-p", str(self.folder), "-c", str(configuration), "-e", "stderr"]

    def fill(self, wheels: Path) -> None:
        """Nothing: the tree is what `put` made of another server's answers."""

    def path(self, row: Row) -> str:
        return f"/{row.form}/{row.project}"

    def ready_path(self) -> str:
        return "/ready"

    def page_path(self, project: str) -> str:
        return f"/html/{project}"

    def file_path(self, wheel: Wheel) -> str:
        return f"/file/{wheel.project}"

    def target(self) -> Target:
        raise NotImplementedError("a plain tree takes no uploads")
