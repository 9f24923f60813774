"""The doctor's test callback, sent to a running web process."""

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import psycopg
import pytest
import requests

from app import create_app
from dev.postgres import Server
from receiver.doctor import probe
from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.send_test import check_test_callbacks
from receiver.settings.config import load
from tests.support import signing
from tests.support.environment import ENVIRON, ROUTE, close_app, open_engine, serve_app
from tests.support.media.server import CERTIFICATE
from tests.support.postgres import new_database
from tests.support.samples import COMPLETED, OTHER_ACCOUNT
from tests.support.server import free_port, web_server
from tests.support.server_thread import in_thread

TOKEN, BOUND, SHARED = "0123456789abcdef" * 2, "fedcba9876543210" * 2, "shared-secret"
ACCOUNT = "AC" + "5" * 32
SECRET = "zQ9" * 5
BOUND_READER = f"other@{OTHER_ACCOUNT}:other-secret"


@dataclass(frozen=True)
class Deployment:
    """A running web process and its settings."""

    origin: str
    environ: dict[str, str]

    def send_callbacks(self, **changes: str) -> list[Finding]:
        """Send the test callbacks with the deployment's settings and these changes."""
        settings = load({**self.environ, "PUBLIC_URL": self.origin, **changes})
        with open_engine(settings.database_url) as engine:
            return list(check_test_callbacks(settings, engine))

    def jobs(self) -> list[str]:
        """Return the job ids of all jobs, events and rejected requests."""
        with psycopg.connect(self.environ["DATABASE_URL"]) as connection:
            rows = connection.execute(
                "SELECT id FROM transcriptions UNION ALL SELECT job_id FROM events"
                " UNION ALL SELECT job_id FROM rejected"
            )
            return [job_id for (job_id,) in rows]


@pytest.fixture(scope="module")
def deployment(
    postgres: Server, _template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Yield a deployment with a key of each kind, on a database with the schema in it."""
    with new_database(postgres, template=_template) as url:
        environ = {
            **ENVIRON,
            "DATABASE_URL": url,
            "TWILIO_AUTH_TOKEN": f"{TOKEN},{ACCOUNT}={BOUND}",
            "TWILIO_SIGNING_KEYS": f"key-1={SHARED}",
            "PUBLIC_URL": "",
            "API_KEYS": f"{ENVIRON['API_KEYS']},{BOUND_READER}",
        }
        log = tmp_path_factory.mktemp("web") / "log"
        with web_server(url, log, **environ) as web:
            yield Deployment(web.url, environ)


class _Handler(BaseHTTPRequestHandler):
    """Answers without a body."""

    def read_body(self) -> bytes:
        """Read the body of the request."""
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send the answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def _serve(handler: type[_Handler], *, tls: bool = False) -> Iterator[str]:
    """Serve until the block ends, and yield the origin."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    with in_thread(server):
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"


@contextlib.contextmanager
def other_server(status: int, headers: dict[str, str]) -> Iterator[str]:
    """Serve the same answer to every request, and yield the origin."""

    class Handler(_Handler):
        def do_POST(self) -> None:
            self.read_body()
            self.answer(status, headers)

    with _serve(Handler) as origin:
        yield origin


@contextlib.contextmanager
def _proxy(target: str, max_bytes: int) -> Iterator[str]:
    """Serve a proxy that passes requests on unless they are larger; yield its origin."""

    class Handler(_Handler):
        def do_POST(self) -> None:
            body = self.read_body()
            if len(body) > max_bytes:
                self.answer(413, {})
            else:
                self._pass_on(body)

        def do_GET(self) -> None:
            self._pass_on(self.read_body())

        def _pass_on(self, body: bytes) -> None:
            answer = requests.request(
                self.command,
                target + self.path,
                data=body,
                headers=dict(self.headers),
                timeout=30,
            )
            self.answer(answer.status_code, {}, answer.content)

    with _serve(Handler) as origin:
        yield origin


def test_every_key_is_tested_and_all_jobs_are_removed(deployment: Deployment) -> None:
    """Each token and each SharedKey is tested with a job, which is removed."""
    findings = deployment.send_callbacks()

    assert [finding.verdict for finding in findings] == [Verdict.OK] * 4
    assert ["auth-token-1" in findings[0].text, ACCOUNT in findings[1].text] == [True, True]
    assert "key-1" in findings[2].text
    assert "test callback of 1048576 bytes" in findings[3].text
    assert deployment.jobs() == []


def test_proxy_that_rejects_large_callbacks_fails(deployment: Deployment) -> None:
    """A callback of the largest size is sent too, because proxies have limits of their own."""
    with _proxy(deployment.origin, 200_000) as origin:
        findings = deployment.send_callbacks(PUBLIC_URL=origin)
    assert [finding.verdict for finding in findings] == ["ok", "ok", "ok", "FAIL"]
    assert "test callback of 1048576 bytes" in findings[3].text
    assert "answered 413" in findings[3].text
    assert "MAX_BODY_BYTES" in findings[3].remedy
    assert deployment.jobs() == []


def test_private_certificate_is_explained(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding says why a certificate is rejected; SSL_CERT_FILE names a private authority."""
    with _serve(_Handler, tls=True) as origin:
        (unknown,) = deployment.send_callbacks(PUBLIC_URL=origin)
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        (known,) = deployment.send_callbacks(PUBLIC_URL=origin)
    assert "TLS failed (self" in unknown.text
    assert "SSL_CERT_FILE" in unknown.remedy
    assert "TLS failed (IP address mismatch" in known.text


def test_test_callback_is_read_by_a_key_that_may(deployment: Deployment) -> None:
    """A bound API key reads its account's test callback; without such a key none is read."""
    findings = deployment.send_callbacks(API_KEYS=BOUND_READER)
    assert [finding.verdict for finding in findings] == [Verdict.OK] * 4
    unbound, bound, _, _ = findings
    assert "not read (no API key may)" in bound.text
    assert "read back by other" in unbound.text
    assert deployment.jobs() == []


def test_other_jobs_are_not_removed(deployment: Deployment) -> None:
    """Only the job of the test callback is removed."""
    url, headers = signing.callback(f"{deployment.origin}{ROUTE}", TOKEN, COMPLETED)
    assert requests.post(url, data=COMPLETED, headers=headers, timeout=30).status_code == 204
    before = deployment.jobs()
    deployment.send_callbacks()
    deployment.send_callbacks(API_KEYS="reader:another")

    assert len(before) == 2
    assert deployment.jobs() == before
    with psycopg.connect(deployment.environ["DATABASE_URL"]) as connection:
        connection.execute("TRUNCATE transcriptions, events")


@pytest.mark.parametrize(
    ("changes", "text", "remedy"),
    [
        ({"TWILIO_AUTH_TOKEN": SECRET}, "answered 403", "TWILIO_AUTH_TOKEN"),
        ({"API_KEYS": f"reader:{SECRET}"}, "answered 401", "the same API_KEYS"),
        ({"PUBLIC_URL": "{origin}/prefix"}, "answered 403", "PUBLIC_URL"),
        ({"PUBLIC_URL": "http://user:zQ9@{host}"}, "answered 403", "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://user:zQ9@{host}"}, "TLS failed", "certificate"),
        ({"PUBLIC_URL": "http://user:zQ9@127.0.0.1:{closed}"}, "no connection", "host and port"),
    ],
)
def test_settings_that_differ_from_the_web_process_fail(
    deployment: Deployment, changes: dict[str, str], text: str, remedy: str
) -> None:
    """The finding says what happened, and the remedy names the likely cause, without secrets."""
    known = {
        "origin": deployment.origin,
        "host": deployment.origin.removeprefix("http://"),
        "closed": free_port(),
    }
    first, *_ = deployment.send_callbacks(
        **{name: value.format(**known) for name, value in changes.items()}
    )

    assert first.verdict == Verdict.FAIL
    assert text in first.text
    assert remedy in first.remedy
    assert "zQ9" not in first.text + first.remedy
    assert deployment.jobs() == []


def test_other_keys_are_tested_after_a_wrong_token(deployment: Deployment) -> None:
    """After one refused key the other keys are tested."""
    findings = deployment.send_callbacks(TWILIO_AUTH_TOKEN=f"{SECRET},{ACCOUNT}={BOUND}")

    assert [finding.verdict for finding in findings] == ["FAIL", "ok", "ok", "ok"]


def test_another_database_fails(deployment: Deployment, migrated: str) -> None:
    """With another database one key is tested, and the finding names the job that is left."""
    (finding,) = deployment.send_callbacks(DATABASE_URL=migrated)
    (job_id,) = set(deployment.jobs())
    with psycopg.connect(deployment.environ["DATABASE_URL"]) as connection:
        connection.execute("TRUNCATE transcriptions, events")

    assert finding.verdict == Verdict.FAIL
    assert job_id in finding.text
    assert "DATABASE_URL" in finding.remedy


@pytest.mark.parametrize(
    ("status", "headers", "remedy"),
    [
        (301, {"Location": "https://app.example.com/?x=zQ9"}, "'https://app.example.com/'"),
        (200, {}, "something other"),
        (401, {"WWW-Authenticate": "Basic"}, "something in front of this service"),
        (403, {}, "something in front of this service"),
        (403, {"Content-Type": "application/problem+json"}, "something in front of this service"),
        (404, {}, "path prefix"),
        (405, {}, "path prefix"),
        (413, {}, "MAX_BODY_BYTES"),
        (418, {}, "something other"),
        (502, {}, "the log"),
    ],
)
def test_answer_of_another_server_is_explained(
    deployment: Deployment, status: int, headers: dict[str, str], remedy: str
) -> None:
    """The answer of a proxy or another application is distinguished from the service's own."""
    with other_server(status, headers) as origin:
        (finding,) = deployment.send_callbacks(PUBLIC_URL=origin)

    assert f"answered {status}" in finding.text
    assert remedy in finding.remedy
    assert "zQ9" not in finding.remedy


def test_silent_server_times_out(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts the connection and never answers is a failure."""
    monkeypatch.setattr(probe, "PROBE_TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (finding,) = deployment.send_callbacks(PUBLIC_URL=origin)

    assert "no response" in finding.text
    assert "17581" in finding.remedy


def test_invalid_host_name_fails(deployment: Deployment) -> None:
    """An invalid host name is a failure and no crash."""
    (finding,) = deployment.send_callbacks(PUBLIC_URL=f"http://{'x' * 64}.example.com")

    assert finding.verdict == Verdict.FAIL
    assert "PUBLIC_URL" in finding.remedy


@pytest.mark.parametrize("is_passed_on", [True, False])
def test_public_url_with_a_path(deployment: Deployment, *, is_passed_on: bool) -> None:
    """The test succeeds below a path, whether the proxy passes the path on or strips it."""

    def proxied(environ: dict[str, Any], start_response: Any) -> Any:
        if not is_passed_on:
            for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
                environ[name] = environ[name].removeprefix("/base")
        return app(environ, start_response)

    port = free_port()
    public_url = f"http://127.0.0.1:{port}/base"
    app = create_app({**deployment.environ, "PUBLIC_URL": public_url})
    with serve_app(proxied, port=port):
        findings = deployment.send_callbacks(PUBLIC_URL=public_url)
    close_app(app)
    assert [finding.verdict for finding in findings] == [Verdict.OK] * 4
    assert deployment.jobs() == []


def test_missing_public_url_fails(deployment: Deployment) -> None:
    """Without PUBLIC_URL no test callback is sent."""
    (finding,) = deployment.send_callbacks(PUBLIC_URL="")

    assert finding.verdict == Verdict.FAIL
    assert "Set PUBLIC_URL" in finding.remedy


def test_failed_removal_is_reported_after_the_first_error() -> None:
    """The finding contains the first error and then that the job was not removed."""
    settings = load({**ENVIRON, "PUBLIC_URL": f"http://127.0.0.1:{free_port()}"})
    with open_engine(settings.database_url) as engine:
        (finding,) = check_test_callbacks(settings, engine)

    first, _, second = finding.text.partition("; ")
    assert finding.verdict == Verdict.FAIL
    assert first.endswith("no connection to this address")
    assert "was not removed, because the database failed" in second
    assert finding.remedy.startswith("Check host and port of PUBLIC_URL")
    assert "Delete the job voice_transcription_doctor" in finding.remedy
