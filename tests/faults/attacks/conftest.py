"""Fixtures of the attacks: a service with two workers, and the check of its callbacks."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from tests.faults.conftest import run_deployment
from tests.support.console import CONSOLE_KEY
from tests.support.environment import KEY
from tests.support.faults.attack import Attack, measure
from tests.support.faults.attack_figures import AttackFigures, to_attack_property
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import Profile
from tests.support.samples import ACCOUNT
from tests.support.scripted import accepted, scripted
from tests.support.server import WebServer
from tests.support.submitting import WRITER

# Longer than a submission usually takes, and shorter than a request's deadline.
TWILIO_SECONDS = 5.0
SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "API_KEYS": f"{':'.join(KEY)},{':'.join(WRITER)}:write,{':'.join(CONSOLE_KEY)}:console",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
}


@dataclass(frozen=True)
class Target:
    """The attacked service and its database."""

    deployment: Deployment
    web: WebServer


@pytest.fixture(scope="module")
def target(postgres_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Yield a service for the attacks of a module; its Twilio answers slowly."""

    def accept_slowly(_request: Request) -> Response:
        time.sleep(TWILIO_SECONDS)
        return accepted(f"voice_transcription_{time.monotonic_ns():026}")

    folder = tmp_path_factory.mktemp("attacked")
    with run_deployment(postgres_folder, folder) as deployment, scripted() as twilio:
        twilio.answers(accept_slowly)
        with deployment.serve(**SETTINGS, TWILIO_BASE_URL=twilio.url) as web:
            yield Target(deployment, web)


Survive = Callable[[Target, Attack], AttackFigures]


@pytest.fixture
def survive(request: pytest.FixtureRequest, profile: Profile) -> Survive:
    """Return a function that attacks, reports the figures, and checks that no callback is lost."""

    def check(target: Target, attack: Attack) -> AttackFigures:
        row = measure(target.web, target.deployment.database, attack, profile)
        request.node.user_properties.append(to_attack_property(row))
        assert row.acknowledged == row.sent == row.stored
        return row

    return check


@pytest.fixture
def withstand(survive: Survive, profile: Profile) -> Survive:
    """Return a function that also checks that no callback is answered 503, lost or slow."""

    def check(target: Target, attack: Attack) -> AttackFigures:
        row = survive(target, attack)
        assert row.unavailable == row.unanswered == 0
        assert row.is_bounded or not profile.is_bound_checked
        return row

    return check
