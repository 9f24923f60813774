"""Tests of the service's connections: greedy and slow clients, SIGTERM, and the system's limits."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.environment import KEY
from tests.support.faults.attackers.authorization import basic
from tests.support.faults.attackers.clients import head
from tests.support.faults.callbacks import LARGEST_BYTES, callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import LONG_ONLY
from tests.support.faults.workers import workers
from tests.support.samples import COMPLETED
from tests.support.server import (
    WebServer,
    free_port,
    read_response,
    web_server,
)
from tests.support.waiting import wait_until

SharedService = tuple[Deployment, WebServer]
HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
NOBODY = 65534
MAX_FILES = 256
FEW_FILES = 32
# Their responses don't fit into the buffers of a connection.
REQUESTS_PER_RECEIVER = 8


def keep_alive(web: WebServer, stack: ExitStack) -> socket.socket:
    """Return a connection that has had one answer, and is idle now."""
    connection = stack.enter_context(web.connect())
    get_health(connection)

    return connection


def get_health(connection: socket.socket) -> None:
    """Send a request, and read its answer."""
    connection.sendall(HEALTHZ)
    answer = b""
    while not answer.endswith(b'{"status":"ok"}\n'):
        answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")


def log_lines(web: WebServer) -> list[dict[str, Any]]:
    """Return the service's log."""
    return [json.loads(line) for line in web.log.read_text().splitlines()]


@contextmanager
def greedy_client(web: WebServer) -> Iterator[None]:
    """Send requests without a pause, each before the last answer, until the block ends."""
    connection = web.connect()

    def send() -> None:
        with suppress(OSError):
            while True:
                connection.sendall(HEALTHZ * 100)

    def receive() -> None:
        with suppress(OSError):
            while connection.recv(65536):
                pass

    threads = [threading.Thread(target=work) for work in (send, receive)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        with suppress(OSError), closing(connection):
            connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def test_a_client_without_pauses_does_not_exclude_others(shared_service: SharedService) -> None:
    """A client whose next request has always arrived already isn't the only one served."""
    _, web = shared_service
    with greedy_client(web):
        assert [web.call(callback(number)).status_code for number in range(20, 23)] == [204] * 3


@LONG_ONLY
def test_slow_head_ends_and_idle_connection_stays(shared_service: SharedService) -> None:
    """A head that doesn't end is given up within seconds; a kept-alive connection stays open."""
    _, web = shared_service
    with ExitStack() as stack:
        idle = keep_alive(web, stack)
        begun_again = keep_alive(web, stack)
        silent = stack.enter_context(web.connect())
        begun = stack.enter_context(web.connect())
        begun.sendall(HEALTHZ[:-2])
        begun_again.sendall(HEALTHZ[:-2])
        for connection in (silent, begun, begun_again):
            assert connection.recv(65536) == b""
        get_health(idle)


def test_sigterm_closes_idle_connections_and_answers_requests(deployment: Deployment) -> None:
    """At SIGTERM idle connections end at once, and requests get an answer that says `close`."""
    with deployment.serve(WEB_CONCURRENCY="2") as web, ExitStack() as stack:
        idle = [keep_alive(web, stack) for _ in range(8)]
        body = callback(30)
        busy = keep_alive(web, stack)
        busy.sendall(web.head_of_call(body) + body[:-1])
        begun = keep_alive(web, stack)
        begun.sendall(HEALTHZ[:-2])
        web.call(callback(31))  # the workers have read what was sent before
        started = time.monotonic()
        web.terminate()
        for connection in idle:
            assert connection.recv(65536) == b""
        begun.sendall(HEALTHZ[-2:])
        busy.sendall(body[-1:])
        for connection, status in ((begun, b"200"), (busy, b"204")):
            answer = read_response(connection)
            assert answer.startswith(b"HTTP/1.1 " + status)
            assert b"\r\nconnection: close\r\n" in answer.lower()
        web.child.process.wait(timeout=10)
        assert time.monotonic() - started < 10  # instead of the 15 s that gunicorn waits
    assert {line["level"] for line in log_lines(web)} == {"INFO"}


def test_few_open_files_leave_room_for_callbacks(shared_service: SharedService) -> None:
    """With few open files, more idle connections than these don't exclude a callback."""
    deployment, _ = shared_service
    log = deployment.folder / "few-files.log"
    prefix = ("/bin/sh", "-c", 'ulimit -n "$0" && exec "$@"', str(MAX_FILES))
    with web_server(deployment.service_url, log, prefix=prefix) as web, ExitStack() as stack:
        for _ in range(2 * MAX_FILES):
            stack.enter_context(web.connect())
        assert [web.call(callback(number)).status_code for number in range(40, 43)] == [204] * 3
    [line] = [line for line in log_lines(web) if line["level"] != "INFO"]
    assert "ulimit -n" in line["message"]


def test_slow_receivers_leave_room_for_callbacks(shared_service: SharedService) -> None:
    """Clients that don't receive their responses don't exclude a callback."""
    deployment, _ = shared_service
    log = deployment.folder / "slow-receivers.log"
    prefix = ("/bin/sh", "-c", 'ulimit -n "$0" && exec "$@"', str(FEW_FILES))
    with web_server(deployment.service_url, log, prefix=prefix) as web, ExitStack() as stack:
        assert web.call(callback(60, size=LARGEST_BYTES)).status_code == 204
        target = f"/v3/Transcriptions/{job_id(60)}/Transcript"
        request = head("GET", target, basic(*KEY)) * REQUESTS_PER_RECEIVER
        for _ in range(FEW_FILES):
            connection = stack.enter_context(slow_receiver(web))
            connection.sendall(request)
        wait_until(lambda: log.read_text().count('"request answered"') >= FEW_FILES // 2)
        assert [web.call(callback(number)).status_code for number in range(61, 64)] == [204] * 3
    assert "ERROR" not in {line["level"] for line in log_lines(web)}


def slow_receiver(web: WebServer) -> socket.socket:
    """Return a connection of a client that receives a few bytes at most."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", web.port))

    return connection


def test_service_survives_the_end_of_its_file_descriptors(shared_service: SharedService) -> None:
    """While no file can be opened, new connections wait; they are served afterwards."""
    deployment, _ = shared_service
    log = deployment.folder / "no-files.log"
    with web_server(deployment.service_url, log) as web:
        [worker] = workers(web)
        limits = worker.rlimit(resource.RLIMIT_NOFILE)
        worker.rlimit(resource.RLIMIT_NOFILE, (1, limits[1]))
        with web.connect() as connection:
            connection.sendall(HEALTHZ)
            wait_until(lambda: "new connections have to wait" in log.read_text())
            worker.rlimit(resource.RLIMIT_NOFILE, limits)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert [line for line in log_lines(web) if line["level"] == "ERROR"] == []


@contextmanager
def no_forks(process: psutil.Process, prefix: Sequence[str]) -> Iterator[None]:
    """Let each fork of the process fail until the block ends. The prefix runs a command as it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    command = (*prefix, "prlimit", f"--pid={process.pid}")
    subprocess.run([*command, "--nproc=1:"], check=True)
    yield
    most = "unlimited" if hard == resource.RLIM_INFINITY else hard
    subprocess.run([*command, f"--nproc={most}:"], check=True)


def test_failed_fork_does_not_end_the_service(shared_service: SharedService) -> None:
    """While no worker can be started, the other one serves; later it is started."""
    deployment, _ = shared_service
    log = deployment.folder / "no-forks.log"
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:  # the limit doesn't apply to root
        prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if not all(shutil.which(command) for command in ("prlimit", "setpriv")):
        pytest.skip("prlimit and setpriv are missing")
    gunicorn = Path(sys.executable).with_name("gunicorn")
    if subprocess.run([*prefix, gunicorn, "--version"], check=False).returncode:
        pytest.skip("another user can't run this Python")
    with web_server(deployment.service_url, log, prefix=prefix, WEB_CONCURRENCY="2") as web:
        wait_until(lambda: len(workers(web)) == 2)
        with no_forks(web.child.process, prefix):
            workers(web)[0].kill()
            wait_until(lambda: "A worker can't be started" in log.read_text())
            assert web.call(callback(50)).status_code == 204
        wait_until(lambda: len(workers(web)) == 2)
        assert web.call(callback(51)).status_code == 204


def test_full_memory_file_system_does_not_end_the_service(shared_service: SharedService) -> None:
    """A worker that is killed gets a successor though another user has filled /dev/shm."""
    deployment, _ = shared_service
    log = deployment.folder / "full-shm.log"
    # The root folder is the only file that fits.
    fill = 'mount -t tmpfs -o nr_inodes=1 tmpfs /dev/shm && exec "$0" "$@"'
    prefix = ("unshare", "--mount", "/bin/sh", "-c", fill)
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("only root can mount a file system")
    with web_server(deployment.service_url, log, prefix=prefix) as web:
        [worker] = workers(web)
        worker.kill()
        wait_until(lambda: [each.pid for each in workers(web)] not in ([], [worker.pid]))
        assert web.call(callback(60)).status_code == 204


def test_callback_arrives_over_a_unix_socket(shared_service: SharedService, tmp_path: Path) -> None:
    """With BIND=unix:/path the service listens on that socket only, and stores callbacks."""
    deployment, _ = shared_service
    path = tmp_path / "web.sock"
    with web_server(deployment.service_url, tmp_path / "log", BIND=f"unix:{path}") as web:
        with web.connect() as connection:
            connection.sendall(web.head_of_call(COMPLETED) + COMPLETED)
            assert read_response(connection).startswith(b"HTTP/1.1 204")
        sockets = psutil.Process(web.child.process.pid).net_connections()
        assert not [each for each in sockets if each.status == psutil.CONN_LISTEN]
    assert not path.exists()


def test_dead_database_host_is_skipped(shared_service: SharedService, tmp_path: Path) -> None:
    """With several hosts in DATABASE_URL, callbacks are stored at the one that accepts writes."""
    deployment, _ = shared_service
    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{deployment.port}"
    url = deployment.service_url.replace(f"127.0.0.1:{deployment.port}", hosts)
    with web_server(f"{url}?target_session_attrs=read-write", tmp_path / "log") as web:
        assert web.call(COMPLETED).status_code == 204
        assert web.get("/readyz").status_code == 200
