"""The configuration of gunicorn, the web server.

gunicorn reads this file in its master process, before gevent patches anything. So this file, and
the modules that it imports, must not import a database driver or a web framework at the top.
"""

import os
import sys
from typing import Any

from receiver.gunicorn import forks, heartbeat, oom, open_files, preload
from receiver.runtime import lossy_output
from receiver.runtime.logs import disable_unused_lookups, log_config
from receiver.settings.config import ConfigError, load

try:
    _settings = load(os.environ)
except ConfigError as error:
    sys.exit(f"Error: {error}")

bind = _settings.bind or f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency
worker_class = "receiver.gunicorn.worker.Worker"
# Heartbeats are written to memory: on a busy disk they would be late, and gunicorn would kill a
# healthy worker. The folder is for systems without files in memory only.
heartbeat.install()
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - unlinked at once

# A request's deadline is 8 s, so every request in progress at SIGTERM ends within this time.
graceful_timeout = 15
# Longer than a router keeps an idle connection (Heroku: 90 s): otherwise the router may send a
# request on a connection that gunicorn is closing. The worker limits the time for a head itself.
keepalive = 100

# The callback URL may have a long query of the customer's own; a proxy may repeat it in a field.
# More than Twilio (some 10) and a few proxies (up to 25 each) send; Envoy's default too.
# gunicorn/connection.py limits the whole head.
limit_request_line = 8190
limit_request_field_size = 8190
limit_request_fields = 100
# The application determines the scheme. gunicorn would answer contradictory X-Forwarded-* headers
# with 400, which Twilio doesn't retry, and would accept SCRIPT_NAME and PATH_INFO from headers.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

# Silent connections must not exclude clients that send requests, and connections must leave enough
# files for the database.
_max_files = open_files.raise_limit()
worker_connections = open_files.max_connections(_max_files)

control_socket_disable = True
logger_class = "receiver.gunicorn.logger.GunicornLogger"
logconfig_dict = log_config(_settings.log_level)
disable_unused_lookups()
# Before gunicorn makes its handlers. A log that nobody reads must not stop the service.
lossy_output.install()


def when_ready(server: Any) -> None:
    """Import the application, and warn if a worker may accept only few connections."""
    if not server.cfg.reload:  # whose workers import what has changed
        preload.preload("app")
    if worker_connections < open_files.FEW_CONNECTIONS:
        server.log.warning(
            "A worker accepts only %d connections, because it may open only %d files: raise the "
            "limit (ulimit -n)",
            worker_connections,
            _max_files,
        )


def pre_fork(server: Any, _worker: Any) -> None:
    """Wait while no process can be made."""
    forks.wait_until_possible(server)


def post_fork(_server: Any, _worker: Any) -> None:
    """Keep the master process from being killed instead of a worker."""
    oom.prefer_worker()


def worker_exit(_server: Any, worker: Any) -> None:
    """Write to the database what a worker has counted only in memory."""
    app = getattr(worker, "wsgi", None)  # None if the worker could not start
    if app:
        from receiver.services import services_of  # noqa: PLC0415 - imports the driver, see above

        services = services_of(app)
        services.rejected.flush()
        services.metrics.close()


def post_worker_init(worker: Any) -> None:
    """Check that the database driver works with gevent, and start what runs beside requests."""
    from receiver.callbacks import drain  # noqa: PLC0415 - imports the driver, see above
    from receiver.runtime import gevent_check  # noqa: PLC0415 - imports gevent, see above
    from receiver.services import services_of  # noqa: PLC0415 - imports the driver, see above

    gevent_check.check()
    services = services_of(worker.wsgi)
    services.metrics.start()
    if services.spool:
        drain.start(services.engine, services.spool, services.settings.signing_keys)
