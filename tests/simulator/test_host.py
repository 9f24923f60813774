"""Tests of the Host header: the simulator answers for this machine's names only."""

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from receiver.simulator.app import create_app
from receiver.simulator.simulator import Simulator
from tests.support.environment import TOKEN
from tests.support.hosts import LOOPBACK_HOSTS, OTHER_HOSTS
from tests.support.samples import ACCOUNT


def _status(simulator: Simulator, host: str) -> str:
    environ = create_environ("/v3/Transcriptions", auth=(ACCOUNT, TOKEN)) | {"HTTP_HOST": host}
    _body, status, _headers = run_wsgi_app(create_app(simulator), environ)

    return status[:3]


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_loopback_name_is_answered(simulator: Simulator, host: str) -> None:
    """A request to a loopback name is answered, with any port."""
    assert _status(simulator, host) == "200"


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_other_name_is_misdirected(simulator: Simulator, host: str) -> None:
    """A request to any other name is answered 421, even with the account's credentials."""
    assert _status(simulator, host) == "421"
