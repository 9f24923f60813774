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
    """How Twilio signed and called, how the request came in, and what `check` is to say."""

    words: str
    called: str = PUBLIC_URL + ROUTE
    secret: str = TOKEN
    key_id: str | None = None
    host: str = "internal:8000"
    came_to: str = ROUTE
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
        called=f"https://other.example.com{ROUTE}",
        host="other.example.com",
    ),
    "another host, which the proxy tells": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://other.example.com",
        called=f"https://other.example.com{ROUTE}",
        headers=(("X-Forwarded-Host", "other.example.com, app.example.com"),),
    ),
    "another host, which only the operator knows": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://other.example.com/calls",
        called=f"https://other.example.com/calls{ROUTE}",
        urls=("https://else.example.com", "https://other.example.com/calls/"),
    ),
    "http instead of https": Case(
        "verify with auth-token-1 if PUBLIC_URL is http://app.example.com",
        called=f"http://app.example.com{ROUTE}",
    ),
    "a port, which the host has": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://app.example.com:8443",
        called=f"https://app.example.com:8443{ROUTE}",
        host="app.example.com:8443",
    ),
    "a port, which the proxy tells": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://app.example.com:8443",
        called=f"https://app.example.com:8443{ROUTE}",
        headers=(("X-Forwarded-Port", "8443"),),
    ),
    "another token and another host": Case(
        "verify with the key on line 1 if it is added to TWILIO_AUTH_TOKEN and PUBLIC_URL is "
        "https://other.example.com",
        called=f"https://other.example.com{ROUTE}",
        secret=OLD,
        host="other.example.com",
        keys=OLD,
    ),
    "a prefix, which the proxy tells": Case(
        "verify with auth-token-1 if PUBLIC_URL is https://app.example.com/calls",
        called=f"https://app.example.com/calls{ROUTE}",
        headers=(("X-Forwarded-Prefix", "/calls"),),
    ),
    "a prefix that the proxy passes on": Case(
        "don't verify with any key and origin that was tried",
        called=f"https://else.example.com/calls{ROUTE}",
        came_to=f"/calls{ROUTE}",
    ),
    "a key that nobody has": Case(
        "don't verify with any key and origin that was tried (they name "
        "'key=CR9,algorithm=HMAC_SHA256')",
        secret=SHARED,
        key_id="CR9",
    ),
}


def _run(app: Flask, *arguments: str, text: str = "") -> Result:
    return app.test_cli_runner().invoke(args=["rejected", *arguments], input=text)


def _deliver(app: Flask, case: Case, body: bytes = BODY) -> int:
    """Deliver as Twilio and the proxy do, and return the answer's status."""
    url, headers = signing.callback(case.called, case.secret, body, key_id=case.key_id)
    target = f"{case.came_to}?{url.partition('?')[2]}"
    headers |= {"Host": case.host, **dict(case.headers)}

    return app.test_client().post(target, data=body, headers=headers).status_code


def _numbers(app: Flask) -> list[int]:
    with services_of(app).engine.connect() as connection:
        return list(connection.execute(select(rejected.c.id).order_by(rejected.c.id)).scalars())


@pytest.mark.parametrize("name", CASES)
def test_check_says_what_would_verify_it(app: Flask, name: str) -> None:
    """Key, scheme, host or port, in one line, and none of the secrets."""
    case = CASES[name]
    assert _deliver(app, case) == 403
    options = [option for url in case.urls for option in ("--public-url", url)]
    result = _run(app, "check", "--keys", "-", *options, text=case.keys)
    assert result.stdout.splitlines() == [f"       1  {case.words}: {_numbers(app)[0]}"]
    assert not [secret for secret in (TOKEN, OLD, SHARED) if secret in result.output]


class TestPrefix:
    """PUBLIC_URL has a path prefix, as if the proxy stripped it."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Set it, with a password too."""
        return environ | {"PUBLIC_URL": "https://user:zQ9pw@app.example.com/calls"}

    def test_a_prefix_that_is_passed_on_is_found(self, app: Flask) -> None:
        """The proxy doesn't strip it, so it mustn't stand in PUBLIC_URL; a password isn't shown."""
        called = "https://user:zQ9pw@app.example.com"
        case = Case("", called=f"{called}/calls{ROUTE}", came_to=f"/calls{ROUTE}")
        assert _deliver(app, case) == 403
        result = _run(app, "check")
        assert (
            "if PUBLIC_URL is https://app.example.com (with its user and password)" in result.stdout
        )
        assert "zQ9" not in result.output

    def test_a_prefix_too_many_is_found(self, app: Flask) -> None:
        """Twilio calls without it."""
        assert _deliver(app, Case("", called=f"https://app.example.com{ROUTE}")) == 403
        assert "if PUBLIC_URL is https://app.example.com:" in _run(app, "check").stdout


def test_a_prefix_that_the_proxy_passes_on_is_no_404(app: Flask) -> None:
    """The route is there below any path, and takes what is signed for it."""
    prefixed = f"/a/b{ROUTE}"
    assert _deliver(app, Case("", called=PUBLIC_URL + prefixed, came_to=prefixed)) == 204
    assert _deliver(app, Case("", came_to=prefixed)) == 403
    assert app.test_client().post(prefixed).status_code == 403


def test_what_is_alike_is_one_line(app: Flask) -> None:
    """Most frequent first, with some of the numbers, and the forged ones beside them."""
    for number in range(12):
        _deliver(app, Case("", secret=OLD), callback(number, size=0))
    for number in range(3):
        body = forged(number)
        url, headers = request(body)
        app.test_client().post(url, data=body, headers=headers)
    lines = _run(app, "check", "--keys", "-", text=OLD).stdout.splitlines()
    assert lines[0].startswith("      12  verify with the key on line 1 if it is added to")
    assert lines[0].endswith(", …")
    assert lines[1].startswith("       3  don't verify with any key")
    assert len(lines) == 2


class TestFlood:
    """Forged requests name hosts and ports without end; the genuine one is our account's."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Name the account of the genuine one."""
        return environ | {"TWILIO_ACCOUNT_SID": SAMPLE}

    @pytest.fixture(autouse=True)
    def _flooded(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let five forged ones come before and five after the genuine one; tries are few."""
        for number in range(10):
            if number == 5:
                assert _deliver(app, Case("", secret=OLD)) == 403
            hosts = ",".join(f"h{number}-{n}.example.com:{n}000" for n in range(1, 9))
            forgery = Case("", secret=SHARED, headers=(("X-Forwarded-Host", hosts),))
            body = forged(number, account_id=account_id(number))
            assert _deliver(app, forgery, body) == 403
        monkeypatch.setattr("receiver.rejected.check.MAX_TRIES", 100)

    def test_what_claims_to_be_ours_is_looked_at_first(self, app: Flask) -> None:
        """Strangers can't use up the tries before; what is left without any is said to be so."""
        lines = _run(app, "check", "--keys", "-", text=OLD).stdout.splitlines()
        numbers = _numbers(app)
        assert lines[0] == (
            "       1  verify with the key on line 1 if it is added to TWILIO_AUTH_TOKEN: "
            f"{numbers[5]}"
        )
        left = ", ".join(map(str, numbers[1:5] + numbers[6:]))
        assert (
            lines[1]
            == f"       9  not tried: the limit of tries was reached. Check them by ID: {left}"
        )
        assert lines[2].startswith(
            "       1  don't verify with any key and origin that was tried: "
        )

    def test_what_was_not_tried_can_be_named(self, app: Flask) -> None:
        """Then it has all tries for itself."""
        last = str(_numbers(app)[-1])
        assert _run(app, "check", last).stdout.startswith("       1  don't verify with any key")


def test_check_looks_at_what_is_named(app: Flask) -> None:
    """Others are left out, and a number that nothing has is an error."""
    for number in range(3):
        _deliver(app, Case("", secret=OLD), callback(number, size=0))
    first = _numbers(app)[0]
    assert _run(app, "check", str(first)).stdout.startswith("       1  don't verify")
    unknown = _run(app, "check", str(first), "999999")
    assert unknown.exit_code == 1
    assert "no rejected request 999999" in unknown.stderr


@pytest.mark.parametrize("text", ["two words", "=zQ9", f"{account_id(1)}=", f"{OLD},{OLD}"])
def test_a_faulty_key_is_named_by_its_line(app: Flask, text: str) -> None:
    """Its text isn't repeated."""
    result = _run(app, "check", "--keys", "-", text=f"{OLD}\n{text}\n")
    assert result.exit_code == 1
    assert "line 2 is not a key" in result.stderr
    assert text not in result.stderr


def test_a_faulty_origin_is_refused(app: Flask) -> None:
    """It must be one that PUBLIC_URL could be."""
    result = _run(app, "check", "--public-url", "app.example.com")
    assert result.exit_code == 1
    assert "--public-url is not a URL that Twilio can call" in result.stderr


def test_list_shows_what_is_kept(app: Flask) -> None:
    """One line each, newest first, then how full the quotas are; no header does harm."""
    _deliver(app, Case("", secret=OLD))
    _deliver(app, Case("", secret=OLD, host="a\x1bb"), callback(2, size=0))
    result = _run(app, "list")
    newest, oldest = result.stdout.splitlines()
    assert all(word in oldest for word in ("wrong_signature", "AC" + "a" * 32, job_id(1)))
    assert "'internal:8000'" in oldest
    assert r"'a\x1bb'" in newest
    assert "all other accounts: 2 of 8000 requests, 0.0 of 64 MiB" in result.stderr
    assert len(_run(app, "list", "--limit", "1").stdout.splitlines()) == 1


class TestRightSettings:
    """The requests came under a wrong token, and today's is right."""

    @pytest.fixture(autouse=True)
    def _refused(self, app: Flask) -> None:
        """Let three be refused, of which one is forged."""
        with changed_settings(app, signing_keys=parse_auth_tokens(OLD)):
            for number in range(2):
                assert _deliver(app, Case(""), callback(number, size=0)) == 403
            assert _deliver(app, Case("", secret=SHARED), forged(1)) == 403

    def test_accept_takes_those_that_verify(self, app: Flask) -> None:
        """They are recorded as they came, with the time at which they did; the others stay."""
        with services_of(app).engine.connect() as connection:
            came = list(connection.execute(select(rejected).order_by(rejected.c.id)).all())
        result = _run(app, "accept")
        assert result.exit_code == 0
        assert "       2  accepted" in result.stderr
        assert "       1  stay" in result.stderr
        with services_of(app).engine.connect() as connection:
            taken = list(connection.execute(select(events).order_by(events.c.id)).all())
        assert [(row.body, row.received_at) for row in taken] == [
            (row.body, row.received_at) for row in came[:2]
        ]
        assert {(row.outcome, row.key_id) for row in taken} == {("applied", "auth-token-1")}
        assert taken[0].signature == came[0].headers["X-Twilio-Signature"]
        assert taken[0].url == PUBLIC_URL + came[0].target
        assert _numbers(app) == [came[2].id]
        assert "       1  stay" in _run(app, "accept").stderr

    def test_a_dry_run_changes_nothing(self, app: Flask) -> None:
        """It counts the same."""
        before = _numbers(app)
        result = _run(app, "accept", "--dry-run")
        assert "       2  accepted" in result.stderr
        assert _numbers(app) == before
        with services_of(app).engine.connect() as connection:
            assert connection.execute(select(events.c.id)).all() == []

    def test_named_ones_alone(self, app: Flask) -> None:
        """The exit code tells whether one of them stays."""
        first, second, forgery = _numbers(app)
        assert _run(app, "accept", str(first)).exit_code == 0
        assert _numbers(app) == [second, forgery]
        assert _run(app, "accept", str(second), str(forgery)).exit_code == 1
        assert _numbers(app) == [forgery]

    def test_a_crash_before_the_removal_is_harmless(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is recorded and still there is accepted once more, and the ledger knows it."""

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("receiver.rejected.accept.remove_rejected", crash)
            assert _run(app, "accept").exit_code != 0
        assert len(_numbers(app)) == 3
        assert "       2  accepted" in _run(app, "accept").stderr
        with services_of(app).engine.connect() as connection:
            assert len(connection.execute(select(events.c.id)).all()) == 2
