"""Tests of the metrics of several workers and servers, under gunicorn."""

from contextlib import ExitStack
from pathlib import Path

from receiver.settings.urls import CALLBACK_PATH
from tests.support.metrics import page_when, value
from tests.support.server import web_server
from tests.support.stored_callbacks import callback

FAST = {"metrics_seconds": 0.2}
APPLIED = ("receiver_callbacks_total", {"outcome": "applied", "reason": ""})
ANSWERED = ("receiver_http_requests_total", {"route": CALLBACK_PATH, "status": "204"})


def test_sum_of_all_workers_is_what_was_sent(module_database: str, tmp_path: Path) -> None:
    """Each of two servers shows the callbacks that the workers of both have received."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                web_server(module_database, tmp_path / f"log{number}", FAST, WEB_CONCURRENCY="2")
            )
            for number in range(2)
        ]
        for number in range(30):
            web = servers[number % 2]
            assert web.call(callback(f"voice_transcription_{number}")).status_code == 204
        for web in servers:
            page = page_when(web, *ANSWERED, 30)
            assert value(page, *APPLIED) == 30
            assert value(page, "receiver_callback_body_bytes_count") == 30
            assert value(page, "receiver_workers") == 4
