"""The doctor's check of rejected requests."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from receiver.doctor.rejected import check_rejected
from receiver.settings.config import load
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import store_rejected
from tests.doctor.test_doctor import SOUND, run_doctor
from tests.support.environment import ENVIRON
from tests.support.forged_callbacks import make_account_id
from tests.support.rejections import START, make_rejected


def test_likely_callbacks_are_a_warning(engine: Engine) -> None:
    """The doctor warns about rejected requests that look like callbacks, and names the command."""
    ago = (datetime.now(UTC) - START) / timedelta(hours=1)
    for number in range(2):
        store_rejected(engine, make_rejected(number, hours=ago - number), Quotas(frozenset()))
    sound, output = run_doctor(load(SOUND), engine)
    assert sound
    assert "warn  rejected: 2 requests in the last 7 days with the form of a callback" in output
    assert "1. Run `flask --app app rejected check`" in output


def test_old_requests_are_ok(engine: Engine) -> None:
    """An old forged request is no warning; otherwise the warning would never end."""
    store_rejected(engine, make_rejected(1), Quotas(frozenset()))
    assert check_rejected(engine).verdict == "ok"


def test_missing_quota_of_an_account_is_a_warning(engine: Engine) -> None:
    """The doctor warns unless TWILIO_ACCOUNT_SID or a bound token names an account with a quota."""
    sound, output = run_doctor(load(ENVIRON), engine)
    assert sound
    assert "warn  rejected: no account has its own quota" in output
    assert ". Set TWILIO_ACCOUNT_SID" in output
    bound = f"{make_account_id(1)}={ENVIRON['TWILIO_AUTH_TOKEN']}"
    for settings in ({"TWILIO_ACCOUNT_SID": make_account_id(1)}, {"TWILIO_AUTH_TOKEN": bound}):
        assert "no account" not in run_doctor(load(ENVIRON | settings), engine)[1]
