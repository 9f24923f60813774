"""The command `rejected list`."""

from flask import Flask

from tests.support.faults.callbacks import callback, job_id
from tests.support.rejected_commands import OLD_TOKEN, Case, deliver, run_rejected
from tests.support.samples import ACCOUNT


def test_list_prints_requests_and_quotas(app: Flask) -> None:
    """`list` prints one escaped line per request, newest first, and the use of the quotas."""
    deliver(app, Case(secret=OLD_TOKEN))
    deliver(app, Case(secret=OLD_TOKEN, host="a\x1bb"), callback(2, size=0))
    result = run_rejected(app, "list")
    newest, oldest = result.stdout.splitlines()
    assert all(word in oldest for word in ("wrong_signature", ACCOUNT, job_id(1)))
    assert "'internal:8000'" in oldest
    assert r"'a\x1bb'" in newest
    assert "all other accounts: 2 of 8000 requests, 0.0 of 64 MiB" in result.stderr
    assert len(run_rejected(app, "list", "--limit", "1").stdout.splitlines()) == 1
