"""A real TLS front, nginx, before a server on this machine.

Clients of trusted publishing insist on https: uv and twine ask ``https://<host>/_/oidc/…`` whatever the scheme
of the upload address. So a walk with them stands behind this. It comes first, and says on which port to serve::

    with open_front(tmp_path) as front:
        with serve(data, token, port=front.port_behind, environment={"AFFINEUR_BASE_URL": front.url}):
            run([...], environment=front.certificate.environment, ...)
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from .certificates import Certificate, new_certificate
from .keeper import accepts_connections, free_ports
from .programs import nginx_path

_CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
events {{}}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {certificate.file}; ssl_certificate_key {certificate.key_file};
    location / {{
      proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Front:
    """The front: ``url`` is ``https://localhost:…/``; what it gets, it hands to ``port_behind`` of 127.0.0.1."""

    url: str
    port_behind: int
    certificate: Certificate


@contextmanager
def open_front(folder: Path, port_behind: int | None = None) -> Iterator[Front]:
    """A front until the block ends. RuntimeError, with what nginx said, where it does not start."""
    home = folder / "https"
    home.mkdir()
    port, behind = free_ports(2)
    front = Front(f"https://localhost:{port}/", port_behind or behind, new_certificate(home))
    configuration = home / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=home, port=port, behind=front.port_behind, certificate=front.certificate)
    )
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([nginx_path(), "-p", home, "-c", configuration, "-e", "stderr"],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip
    try:
        deadline = monotonic() + 20
        while not accepts_connections(port):
            if process.poll() is not None or monotonic() > deadline:
                raise RuntimeError(f"nginx did not start: {(home / 'log').read_text(errors='replace')}")
            sleep(0.02)
        yield front
    finally:
        process.terminate()
        process.wait(10)
