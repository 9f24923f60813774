"""The doctor's look at what was rejected."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from receiver.doctor.rejected import check_rejected
from receiver.settings.config import load
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import store_rejected
from tests.doctor.test_doctor import SOUND, report
from tests.support.environment import ENVIRON
from tests.support.forged_callbacks import account_id
from tests.support.rejections import START, make_rejected


def test_what_looks_like_a_callback_is_a_warning(engine: Engine) -> None:
    """The report says how many there are and which command finds the cause, and does not fail."""
    ago = (datetime.now(UTC) - START) / timedelta(hours=1)
    for number in range(2):
        store_rejected(engine, make_rejected(number, hours=ago - number), Quotas(frozenset()))
    sound, said = report(load(SOUND), engine)
    assert sound
    assert "warn  rejected: 2 requests in the last 7 days look like callbacks" in said
    assert "1. Run `flask --app app rejected check`" in said


def test_what_is_old_is_no_news(engine: Engine) -> None:
    """Else a deployment that somebody once sent a forged request would never be healthy again."""
    store_rejected(engine, make_rejected(1), Quotas(frozenset()))
    assert check_rejected(engine).verdict == "ok"


def test_an_account_that_is_named_has_a_quota_of_its_own(engine: Engine) -> None:
    """Where the settings name none, the report says how; a bound token names its account too."""
    sound, said = report(load(ENVIRON), engine)
    assert sound
    assert "warn  rejected: no account has its own quota" in said
    assert "1. Set TWILIO_ACCOUNT_SID" in said
    bound = f"{account_id(1)}={ENVIRON['TWILIO_AUTH_TOKEN']}"
    for names in ({"TWILIO_ACCOUNT_SID": account_id(1)}, {"TWILIO_AUTH_TOKEN": bound}):
        assert "no account" not in report(load(ENVIRON | names), engine)[1]
