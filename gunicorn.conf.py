"""The web server: gevent workers, one deadline's worth of grace, nothing trusted from a header.

gunicorn reads this file in its first process, which forks the workers. So neither this file nor
what it imports may import a database driver or a web framework: that is for the worker, once gevent
has patched it.
"""

import os
import resource
import sys
from typing import Any

from receiver.runtime.logs import disable_unused_lookups, log_config
from receiver.settings.config import ConfigError, load

try:
    _settings = load(os.environ)
except ConfigError as error:
    sys.exit(f"Error: {error}")

bind = f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency
worker_class = "gevent"
# Heartbeats go to memory: on a busy disk they come late, and a healthy worker would be killed.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - unlinked at once

# A request's deadline is 8 s, so whatever is in flight at SIGTERM ends before this.
graceful_timeout = 15
# Longer than a router keeps an idle connection (Heroku: 90 s), or the two of them race at its end.
# It is also how long gunicorn waits for a request's head: slow clients are the proxy's to stop. And
# at SIGTERM an idle connection may yet bring a request, so it is waited for, as the others are.
keepalive = 100

# The signed URL: Twilio's, with a query of the customer's own.
limit_request_line = 8190
# The application decides the scheme; gunicorn would answer contradictory X-Forwarded-* with 400,
# which Twilio takes as final, and take SCRIPT_NAME and PATH_INFO from a header.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

# Whoever opens connections and says nothing must leave room for who does. Each takes a file and a
# few kilobytes; the platform's soft limit of files, often 1024, may be raised to the hard one.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_files = 10_000 if _hard == resource.RLIM_INFINITY else min(10_000, _hard)
if _soft < _files:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_files, _hard))
worker_connections = max(1000, _files - 500)

control_socket_disable = True
logger_class = "receiver.runtime.gunicorn_logger.GunicornLogger"
logconfig_dict = log_config(_settings.log_level)
disable_unused_lookups()


def worker_exit(_server: Any, worker: Any) -> None:
    """Leave nothing behind that is only in memory."""
    app = getattr(worker, "wsgi", None)  # None where the worker could not start
    if app:
        from receiver.services import services_of  # noqa: PLC0415 - imports the driver, see above

        services_of(app).rejected.flush()


def post_worker_init(worker: Any) -> None:
    """Refuse to serve with a driver that blocks the whole worker; move what waits in the spool."""
    from receiver.callbacks import drain  # noqa: PLC0415 - imports the driver, see above
    from receiver.runtime import gevent_check  # noqa: PLC0415 - imports gevent, see above
    from receiver.services import services_of  # noqa: PLC0415 - imports the driver, see above

    gevent_check.check()
    services = services_of(worker.wsgi)
    if services.spool:
        drain.start(services.engine, services.spool, services.settings.signing_keys)
