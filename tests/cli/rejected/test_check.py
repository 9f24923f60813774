"""The command `rejected check`: it names the key and the URL that would verify a request."""

import pytest
from flask import Flask

from tests.support.environment import PUBLIC_URL, ROUTE, TOKEN
from tests.support.faults.callbacks import callback
from tests.support.forged_callbacks import forged, make_account_id, request
from tests.support.rejected_commands import (
    OLD_TOKEN,
    SHARED_KEY,
    Case,
    deliver,
    read_rejected_ids,
    run_rejected,
)
from tests.support.samples import ACCOUNT

CASES = {
    "a token that isn't set": Case(
        "verified with the key on line 2 if it is added to TWILIO_AUTH_TOKEN",
        secret=OLD_TOKEN,
        keys=f"{TOKEN}\n{OLD_TOKEN}\n",
    ),
    "a token that is bound to an account": Case(
        "verified with the key on line 1 if it is added to TWILIO_AUTH_TOKEN",
        secret=OLD_TOKEN,
        keys=f"{make_account_id(1)}={OLD_TOKEN}",
    ),
    "a SharedKey that isn't set": Case(
        "verified with the key on line 3 if it is added to TWILIO_SIGNING_KEYS",
        secret=SHARED_KEY,
        key_id="CR1",
        keys=f"CR0={SHARED_KEY}\n\n CR1 = {SHARED_KEY}",
    ),
    "another host, in the Host header": Case(
        "verified with auth-token-1 if PUBLIC_URL is https://other.example.com",
        called_url=f"https://other.example.com{ROUTE}",
        host="other.example.com",
    ),
    "another host, in X-Forwarded-Host": Case(
        "verified with auth-token-1 if PUBLIC_URL is https://other.example.com",
        called_url=f"https://other.example.com{ROUTE}",
        headers=(("X-Forwarded-Host", "other.example.com, app.example.com"),),
    ),
    "another host, given by the operator": Case(
        "verified with auth-token-1 if PUBLIC_URL is https://other.example.com/calls",
        called_url=f"https://other.example.com/calls{ROUTE}",
        urls=("https://else.example.com", "https://other.example.com/calls/"),
    ),
    "http instead of https": Case(
        "verified with auth-token-1 if PUBLIC_URL is http://app.example.com",
        called_url=f"http://app.example.com{ROUTE}",
    ),
    "a port, in the Host header": Case(
        "verified with auth-token-1 if PUBLIC_URL is https://app.example.com:8443",
        called_url=f"https://app.example.com:8443{ROUTE}",
        host="app.example.com:8443",
    ),
    "a port, in X-Forwarded-Port": Case(
        "verified with auth-token-1 if PUBLIC_URL is https://app.example.com:8443",
        called_url=f"https://app.example.com:8443{ROUTE}",
        headers=(("X-Forwarded-Port", "8443"),),
    ),
    "another token and another host": Case(
        "verified with the key on line 1 if it is added to TWILIO_AUTH_TOKEN and PUBLIC_URL is "
        "https://other.example.com",
        called_url=f"https://other.example.com{ROUTE}",
        secret=OLD_TOKEN,
        host="other.example.com",
        keys=OLD_TOKEN,
    ),
    "a prefix, in X-Forwarded-Prefix": Case(
        "verified with auth-token-1 if PUBLIC_URL is https://app.example.com/calls",
        called_url=f"https://app.example.com/calls{ROUTE}",
        headers=(("X-Forwarded-Prefix", "/calls"),),
    ),
    "a prefix that the proxy passes on": Case(
        "verified with auth-token-1 if PUBLIC_URL_PREFIXES has /calls/v1",
        called_url=f"{PUBLIC_URL}/calls/v1{ROUTE}",
        received_path=f"/calls/v1{ROUTE}",
    ),
    "a prefix that the proxy passes on, and another host": Case(
        "verified with auth-token-1 if PUBLIC_URL is https://other.example.com and "
        "PUBLIC_URL_PREFIXES has /calls",
        called_url=f"https://other.example.com/calls{ROUTE}",
        received_path=f"/calls{ROUTE}",
        host="other.example.com",
    ),
    "a prefix at an unknown host": Case(
        "not verified with any key and origin that was tried",
        called_url=f"https://else.example.com/calls{ROUTE}",
        received_path=f"/calls{ROUTE}",
    ),
    "an unknown key": Case(
        "not verified with any key and origin that was tried (named: "
        "'key=CR9,algorithm=HMAC_SHA256')",
        secret=SHARED_KEY,
        key_id="CR9",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_check_prints_what_would_verify(app: Flask, name: str) -> None:
    """One line names the key, scheme, host or port that would verify the request, and no secret."""
    case = CASES[name]
    assert deliver(app, case) == 403
    options = [option for url in case.urls for option in ("--public-url", url)]
    result = run_rejected(app, "check", "--keys", "-", *options, text=case.keys)
    assert result.stdout.splitlines() == [
        f"1 request ({read_rejected_ids(app)[0]}): {case.expected}"
    ]
    assert not [secret for secret in (TOKEN, OLD_TOKEN, SHARED_KEY) if secret in result.output]


class TestPrefix:
    """PUBLIC_URL has a path prefix and a password."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Set such a PUBLIC_URL."""
        return environ | {"PUBLIC_URL": "https://user:zQ9pw@app.example.com/calls"}

    def test_url_without_the_prefix_is_found(self, app: Flask) -> None:
        """A callback to the host without the prefix is explained; no password is printed."""
        case = Case(called_url=f"https://user:zQ9pw@app.example.com{ROUTE}")
        assert deliver(app, case) == 403
        result = run_rejected(app, "check")
        assert (
            "if PUBLIC_URL is https://app.example.com (with its user and password)" in result.stdout
        )
        assert "zQ9" not in result.output

    def test_superfluous_prefix_is_found(self, app: Flask) -> None:
        """PUBLIC_URL must not contain a prefix that Twilio doesn't call."""
        assert deliver(app, Case(called_url=f"https://app.example.com{ROUTE}")) == 403
        assert run_rejected(app, "check").stdout.endswith(
            "if PUBLIC_URL is https://app.example.com\n"
        )


def test_route_exists_below_any_prefix(app: Flask) -> None:
    """The callback's route exists below any path, where it rejects instead of a 404."""
    prefixed = f"/a/b{ROUTE}"
    assert deliver(app, Case(called_url=PUBLIC_URL + prefixed, received_path=prefixed)) == 403
    assert deliver(app, Case(received_path=prefixed)) == 403
    assert app.test_client().post(prefixed).status_code == 403


def test_check_groups_similar_requests(app: Flask) -> None:
    """Similar requests are one line with some of their ids, the most frequent first."""
    for number in range(12):
        deliver(app, Case(secret=OLD_TOKEN), callback(number, size=0))
    for number in range(3):
        body = forged(number)
        url, headers = request(body)
        app.test_client().post(url, data=body, headers=headers)
    lines = run_rejected(app, "check", "--keys", "-", text=OLD_TOKEN).stdout.splitlines()
    assert lines[0].startswith("12 requests (")
    assert ", …): verified with the key on line 1 if it is added to" in lines[0]
    assert lines[1].startswith("3 requests (")
    assert lines[1].endswith("): not verified with any key and origin that was tried")
    assert len(lines) == 2


class TestFlood:
    """Forged requests name many hosts and ports; the genuine one names the operator's account."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Set the account of the genuine request."""
        return environ | {"TWILIO_ACCOUNT_SID": ACCOUNT}

    @pytest.fixture(autouse=True)
    def _flood(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        """Deliver five forged requests before and after the genuine one, and limit the tries."""
        for number in range(10):
            if number == 5:
                assert deliver(app, Case(secret=OLD_TOKEN)) == 403
            hosts = ",".join(f"h{number}-{n}.example.com:{n}000" for n in range(1, 9))
            forgery = Case(secret=SHARED_KEY, headers=(("X-Forwarded-Host", hosts),))
            body = forged(number, account_id=make_account_id(number))
            assert deliver(app, forgery, body) == 403
        monkeypatch.setattr("receiver.cli.rejected.check.MAX_TRIES", 100)

    def test_own_accounts_are_tried_first(self, app: Flask) -> None:
        """Forged requests can't use up the tries for the own account's requests."""
        lines = run_rejected(app, "check", "--keys", "-", text=OLD_TOKEN).stdout.splitlines()
        numbers = read_rejected_ids(app)
        assert lines[0] == (
            f"1 request ({numbers[5]}): verified with the key on line 1 if it is added to "
            "TWILIO_AUTH_TOKEN"
        )
        untried = ", ".join(map(str, numbers[1:5] + numbers[6:]))
        assert (
            lines[1]
            == f"9 requests ({untried}): not tried, because the limit of tries was reached. Check "
            "by ID"
        )
        assert lines[2] == (
            f"1 request ({numbers[0]}): not verified with any key and origin that was tried"
        )

    def test_untried_request_can_be_checked_by_id(self, app: Flask) -> None:
        """A request that is named by id gets all tries."""
        last = str(read_rejected_ids(app)[-1])
        assert run_rejected(app, "check", last).stdout.startswith(
            f"1 request ({last}): not verified with any key"
        )


def test_check_by_id(app: Flask) -> None:
    """Only the named requests are checked, and an unknown id is an error."""
    for number in range(3):
        deliver(app, Case(secret=OLD_TOKEN), callback(number, size=0))
    first = read_rejected_ids(app)[0]
    assert run_rejected(app, "check", str(first)).stdout.startswith(
        f"1 request ({first}): not verified"
    )
    unknown = run_rejected(app, "check", str(first), "999999")
    assert unknown.exit_code == 1
    assert "no rejected request 999999" in unknown.stderr


@pytest.mark.parametrize(
    "text", ["two words", "=zQ9", f"{make_account_id(1)}=", f"{OLD_TOKEN},{OLD_TOKEN}"]
)
def test_invalid_key_is_named_by_its_line(app: Flask, text: str) -> None:
    """The error names the line of an invalid key and doesn't repeat its text."""
    result = run_rejected(app, "check", "--keys", "-", text=f"{OLD_TOKEN}\n{text}\n")
    assert result.exit_code == 1
    assert "line 2 is not a key" in result.stderr
    assert text not in result.stderr


def test_invalid_origin_is_an_error(app: Flask) -> None:
    """The value of --public-url must be a valid PUBLIC_URL."""
    result = run_rejected(app, "check", "--public-url", "app.example.com")
    assert result.exit_code == 1
    assert "--public-url is not a URL that Twilio can call" in result.stderr
