"""Which accounts have room of their own."""

from receiver.config import load
from receiver.rejected.own import rooms
from tests.environment import ENVIRON, TOKEN
from tests.rejected.forged import account


def test_accounts_that_the_settings_name_have_their_own_room() -> None:
    """TWILIO_ACCOUNT_SID, and whoever a token is bound to; by default nobody."""
    tokens = f"{TOKEN},{account(1)}={TOKEN},{account(2)}={TOKEN}"
    named = {**ENVIRON, "TWILIO_AUTH_TOKEN": tokens, "TWILIO_ACCOUNT_SID": account(3)}
    assert rooms(load(named)).own == {account(1), account(2), account(3)}
    assert rooms(load(ENVIRON)).own == set()
