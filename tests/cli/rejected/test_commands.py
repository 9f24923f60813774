"""`rejected list`, `check` and `accept`, on requests that were refused."""

from dataclasses import dataclass

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from receiver.services import services_of
from receiver.settings.keys import parse_auth_tokens
from receiver.store.tables import events, rejected
from tests.support import signing
from tests.support.environment import PUBLIC_URL, TOKEN, changed_settings
from tests.support.faults.callbacks import callback, job_id
from tests.support.forged_callbacks import ROUTE, SAMPLE, account_id, forged, request

OLD = "zQ9old" + "0" * 26
SHARED = "zQ9shared=="
BODY = callback(1, size=0)


@dataclass(frozen=True)
class Case:
    """How Twilio signed and called, how the request arrived, and what `check` prints."""

    expected: str = ""
    called_url: str = PUBLIC_URL + ROUTE
    secret: str = TOKEN
    key_id: str | None = None
    host: str = "internal:8000"
    received_path: str = ROUTE
    headers: tuple[tuple[str, str], ...] = ()
    keys: str = ""
    urls: tuple[str, ...] = ()


CASES = {
    "a token that isn't set": Case(
        "verify with the key on line 2 if it is added to TWILIO_AUTH_TOKEN",
        secret=OLD,
        keys=f"{TOKEN}\n{OLD}\n",
    ),
    "a token that is bound to an account": Case(
        "verify with the key on line 1 if it is added to TWILIO_AUTH_TOKEN",
        secret=OLD,
        keys=f"{account_id(1)}={OLD}",
    ),
    "a SharedKey that isn't set": Case(
        "verify with the key on line 3 if it is added to TWILIO_SIGNING_KEYS",
        secret=SHARED,
        key_id="CR1",
        keys=f"CR0={SHARED}\n\n CR1 = {SHARED}",
    ),
    "another host, which the proxy passes on": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://other.example.com",
        called_url=f"https://other.example.com{ROUTE}",
        host="other.example.com",
    ),
    "another host, which the proxy sends": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://other.example.com",
        called_url=f"https://other.example.com{ROUTE}",
        headers=(("X-Forwarded-Host", "other.example.com, app.example.com"),),
    ),
    "another host, which only the operator knows": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://other.example.com/calls",
        called_url=f"https://other.example.com/calls{ROUTE}",
        urls=("https://else.example.com", "https://other.example.com/calls/"),
    ),
    "http instead of https": Case(
        "verify with auth-token-1 if PUBLIC_URL is http://app.example.com",
        called_url=f"http://app.example.com{ROUTE}",
    ),
    "a port, which the host has": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://app.example.com:8443",
        called_url=f"https://app.example.com:8443{ROUTE}",
        host="app.example.com:8443",
    ),
    "a port, which the proxy sends": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://app.example.com:8443",
        called_url=f"https://app.example.com:8443{ROUTE}",
        headers=(("X-Forwarded-Port", "8443"),),
    ),
    "another token and another host": Case(
        "verify with the key on line 1 if it is added to TWILIO_AUTH_TOKEN and PUBLIC_URL is "
        "https://other.example.com",
        called_url=f"https://other.example.com{ROUTE}",
        secret=OLD,
        host="other.example.com",
        keys=OLD,
    ),
    "a prefix, which the proxy sends": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://app.example.com/calls",
        called_url=f"https://app.example.com/calls{ROUTE}",
        headers=(("X-Forwarded-Prefix", "/calls"),),
    ),
    "a prefix that the proxy passes on": Case(
        "don't verify with any key and origin that was tried",
        called_url=f"https://else.example.com/calls{ROUTE}",
        received_path=f"/calls{ROUTE}",
    ),
    "a key that nobody has": Case(
        "don't verify with any key and origin that was tried (they name "
        "'key=CR9,algorithm=HMAC_SHA256')",
        secret=SHARED,
        key_id="CR9",
    ),
}


def run_rejected(app: Flask, *arguments: str, text: str = "") -> Result:
    """Run a command of the group `rejected`."""
    return app.test_cli_runner().invoke(args=["rejected", *arguments], input=text)


def deliver(app: Flask, case: Case, body: bytes = BODY) -> int:
    """Deliver a callback through the proxy, and return the status of the answer."""
    url, headers = signing.callback(case.called_url, case.secret, body, key_id=case.key_id)
    target = f"{case.received_path}?{url.partition('?')[2]}"
    headers |= {"Host": case.host, **dict(case.headers)}

    return app.test_client().post(target, data=body, headers=headers).status_code


def read_rejected_ids(app: Flask) -> list[int]:
    """Return the ids of the rejected requests."""
    with services_of(app).engine.connect() as connection:
        return list(connection.execute(select(rejected.c.id).order_by(rejected.c.id)).scalars())


@pytest.mark.parametrize("name", CASES)
def test_check_prints_what_would_verify(app: Flask, name: str) -> None:
    """One line names the key, scheme, host or port that would verify the request, and no secret."""
    case = CASES[name]
    assert deliver(app, case) == 403
    options = [option for url in case.urls for option in ("--public-url", url)]
    result = run_rejected(app, "check", "--keys", "-", *options, text=case.keys)
    assert result.stdout.splitlines() == [f"       1  {case.expected}: {read_rejected_ids(app)[0]}"]
    assert not [secret for secret in (TOKEN, OLD, SHARED) if secret in result.output]


class TestPrefix:
    """PUBLIC_URL has a path prefix and a password."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Set such a PUBLIC_URL."""
        return environ | {"PUBLIC_URL": "https://user:zQ9pw@app.example.com/calls"}

    def test_forwarded_prefix_is_found(self, app: Flask) -> None:
        """PUBLIC_URL must not contain a prefix that the proxy forwards; no password is printed."""
        origin = "https://user:zQ9pw@app.example.com"
        case = Case(called_url=f"{origin}/calls{ROUTE}", received_path=f"/calls{ROUTE}")
        assert deliver(app, case) == 403
        result = run_rejected(app, "check")
        assert (
            "if PUBLIC_URL is https://app.example.com (with its user and password)" in result.stdout
        )
        assert "zQ9" not in result.output

    def test_superfluous_prefix_is_found(self, app: Flask) -> None:
        """PUBLIC_URL must not contain a prefix that Twilio doesn't call."""
        assert deliver(app, Case(called_url=f"https://app.example.com{ROUTE}")) == 403
        assert "if PUBLIC_URL is https://app.example.com:" in run_rejected(app, "check").stdout


def test_route_exists_below_any_prefix(app: Flask) -> None:
    """The callback's route exists below any path, and accepts what is signed for it."""
    prefixed = f"/a/b{ROUTE}"
    assert deliver(app, Case(called_url=PUBLIC_URL + prefixed, received_path=prefixed)) == 204
    assert deliver(app, Case(received_path=prefixed)) == 403
    assert app.test_client().post(prefixed).status_code == 403


def test_check_groups_similar_requests(app: Flask) -> None:
    """Similar requests are one line with some of their ids, the most frequent first."""
    for number in range(12):
        deliver(app, Case(secret=OLD), callback(number, size=0))
    for number in range(3):
        body = forged(number)
        url, headers = request(body)
        app.test_client().post(url, data=body, headers=headers)
    lines = run_rejected(app, "check", "--keys", "-", text=OLD).stdout.splitlines()
    assert lines[0].startswith("      12  verify with the key on line 1 if it is added to")
    assert lines[0].endswith(", …")
    assert lines[1].startswith("       3  don't verify with any key")
    assert len(lines) == 2


class TestFlood:
    """Forged requests name many hosts and ports; the genuine one names the operator's account."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Set the account of the genuine request."""
        return environ | {"TWILIO_ACCOUNT_SID": SAMPLE}

    @pytest.fixture(autouse=True)
    def _flood(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        """Deliver five forged requests before and after the genuine one, and limit the tries."""
        for number in range(10):
            if number == 5:
                assert deliver(app, Case(secret=OLD)) == 403
            hosts = ",".join(f"h{number}-{n}.example.com:{n}000" for n in range(1, 9))
            forgery = Case(secret=SHARED, headers=(("X-Forwarded-Host", hosts),))
            body = forged(number, account_id=account_id(number))
            assert deliver(app, forgery, body) == 403
        monkeypatch.setattr("receiver.rejected.check.MAX_TRIES", 100)

    def test_own_accounts_are_tried_first(self, app: Flask) -> None:
        """Forged requests can't use up the tries for the own account's requests."""
        lines = run_rejected(app, "check", "--keys", "-", text=OLD).stdout.splitlines()
        numbers = read_rejected_ids(app)
        assert lines[0] == (
            "       1  verify with the key on line 1 if it is added to TWILIO_AUTH_TOKEN: "
            f"{numbers[5]}"
        )
        untried = ", ".join(map(str, numbers[1:5] + numbers[6:]))
        assert (
            lines[1]
            == f"       9  not tried: the limit of tries was reached. Check them by ID: {untried}"
        )
        assert lines[2].startswith(
            "       1  don't verify with any key and origin that was tried: "
        )

    def test_untried_request_can_be_checked_by_id(self, app: Flask) -> None:
        """A request that is named by id gets all tries."""
        last = str(read_rejected_ids(app)[-1])
        assert run_rejected(app, "check", last).stdout.startswith(
            "       1  don't verify with any key"
        )


def test_check_by_id(app: Flask) -> None:
    """Only the named requests are checked, and an unknown id is an error."""
    for number in range(3):
        deliver(app, Case(secret=OLD), callback(number, size=0))
    first = read_rejected_ids(app)[0]
    assert run_rejected(app, "check", str(first)).stdout.startswith("       1  don't verify")
    unknown = run_rejected(app, "check", str(first), "999999")
    assert unknown.exit_code == 1
    assert "no rejected request 999999" in unknown.stderr


@pytest.mark.parametrize("text", ["two words", "=zQ9", f"{account_id(1)}=", f"{OLD},{OLD}"])
def test_invalid_key_is_named_by_its_line(app: Flask, text: str) -> None:
    """The error names the line of an invalid key and doesn't repeat its text."""
    result = run_rejected(app, "check", "--keys", "-", text=f"{OLD}\n{text}\n")
    assert result.exit_code == 1
    assert "line 2 is not a key" in result.stderr
    assert text not in result.stderr


def test_invalid_origin_is_an_error(app: Flask) -> None:
    """The value of --public-url must be a valid PUBLIC_URL."""
    result = run_rejected(app, "check", "--public-url", "app.example.com")
    assert result.exit_code == 1
    assert "--public-url is not a URL that Twilio can call" in result.stderr


def test_list_prints_requests_and_quotas(app: Flask) -> None:
    """`list` prints one escaped line per request, newest first, and the use of the quotas."""
    deliver(app, Case(secret=OLD))
    deliver(app, Case(secret=OLD, host="a\x1bb"), callback(2, size=0))
    result = run_rejected(app, "list")
    newest, oldest = result.stdout.splitlines()
    assert all(word in oldest for word in ("wrong_signature", "AC" + "a" * 32, job_id(1)))
    assert "'internal:8000'" in oldest
    assert r"'a\x1bb'" in newest
    assert "all other accounts: 2 of 8000 requests, 0.0 of 64 MiB" in result.stderr
    assert len(run_rejected(app, "list", "--limit", "1").stdout.splitlines()) == 1


class TestCorrectedSettings:
    """The requests were rejected with a wrong token, and the current one is correct."""

    @pytest.fixture(autouse=True)
    def _reject(self, app: Flask) -> None:
        """Reject three requests, the last of them forged."""
        with changed_settings(app, signing_keys=parse_auth_tokens(OLD)):
            for number in range(2):
                assert deliver(app, Case(), callback(number, size=0)) == 403
            assert deliver(app, Case(secret=SHARED), forged(1)) == 403

    def test_accept_records_what_verifies(self, app: Flask) -> None:
        """Requests that verify are recorded with their original time; the others stay."""
        with services_of(app).engine.connect() as connection:
            stored = list(connection.execute(select(rejected).order_by(rejected.c.id)).all())
        result = run_rejected(app, "accept")
        assert result.exit_code == 0
        assert "       2  accepted" in result.stderr
        assert "       1  stay" in result.stderr
        with services_of(app).engine.connect() as connection:
            recorded = list(connection.execute(select(events).order_by(events.c.id)).all())
        assert [(row.body, row.received_at) for row in recorded] == [
            (row.body, row.received_at) for row in stored[:2]
        ]
        assert {(row.outcome, row.key_id) for row in recorded} == {("applied", "auth-token-1")}
        assert recorded[0].signature == stored[0].headers["X-Twilio-Signature"]
        assert recorded[0].url == PUBLIC_URL + stored[0].target
        assert read_rejected_ids(app) == [stored[2].id]
        assert "       1  stay" in run_rejected(app, "accept").stderr

    def test_dry_run_changes_nothing(self, app: Flask) -> None:
        """A dry run prints the same counts and writes nothing."""
        before = read_rejected_ids(app)
        result = run_rejected(app, "accept", "--dry-run")
        assert "       2  accepted" in result.stderr
        assert read_rejected_ids(app) == before
        with services_of(app).engine.connect() as connection:
            assert connection.execute(select(events.c.id)).all() == []

    def test_accept_by_id(self, app: Flask) -> None:
        """Only the named requests are accepted, and the exit code is 1 if one of them stays."""
        first, second, forgery = read_rejected_ids(app)
        assert run_rejected(app, "accept", str(first)).exit_code == 0
        assert read_rejected_ids(app) == [second, forgery]
        assert run_rejected(app, "accept", str(second), str(forgery)).exit_code == 1
        assert read_rejected_ids(app) == [forgery]

    def test_crash_before_the_removal_is_harmless(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A request that was recorded but not removed is accepted again and recorded once."""

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("receiver.rejected.accept.remove_rejected", crash)
            assert run_rejected(app, "accept").exit_code != 0
        assert len(read_rejected_ids(app)) == 3
        assert "       2  accepted" in run_rejected(app, "accept").stderr
        with services_of(app).engine.connect() as connection:
            assert len(connection.execute(select(events.c.id)).all()) == 2
