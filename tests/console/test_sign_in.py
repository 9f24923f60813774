"""Tests of the sign-in, the session's cookie, and the protection against other sites."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import create_app
from receiver.console.session import find_session, make_session
from receiver.runtime.failure_limiter import MAX_FAILURES
from receiver.settings.keys import ApiKey
from tests.support.console import OWN_PAGE, Browser
from tests.support.environment import PUBLIC_URL, changed_settings, close_app

KEY = ApiKey("ops", "ops-secret", frozenset({"console"}))
NOW = 1_800_000_000
# A browser says that the request comes from another page.
FOREIGN: tuple[Mapping[str, str], ...] = (
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://other.example.com"},
    {"Origin": "https://attacker.example"},
    {"Origin": "null"},
)


def test_stranger_is_led_to_the_sign_in(stranger: Browser) -> None:
    """Without a session every page leads to the sign-in, and from there back to itself."""
    response = stranger.get("jobs?status=FAILED&languageCode=en-US")
    assert response.status_code == 303
    form = stranger.client.get(response.headers["Location"], base_url=PUBLIC_URL).text
    [next_page] = re.findall(r'name="next" value="([^"]*)"', form)
    response = stranger.sign_in("ops", "ops-secret", next=next_page.replace("&amp;", "&"))
    assert response.headers["Location"] == "/console/jobs?status=FAILED&languageCode=en-US"
    assert stranger.get("jobs").status_code == 200


def test_cookie_is_for_this_host_only(stranger: Browser) -> None:
    """The cookie has the attributes that its prefix requires, and scripts can't read it."""
    [cookie] = stranger.sign_in("ops", "ops-secret").headers.getlist("Set-Cookie")
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-receiver=")
    assert {each for each in attributes if not each.startswith("Expires")} == {
        "Max-Age=43200",
        "Secure",
        "HttpOnly",
        "Path=/",
        "SameSite=Strict",
    }
    assert "ops" not in cookie


@pytest.mark.parametrize(
    ("name", "secret"), [("ops", "wrong"), ("reader", "ops-secret"), ("", ""), ("ops", "")]
)
def test_wrong_key_does_not_sign_in(stranger: Browser, name: str, secret: str) -> None:
    """A wrong name or secret doesn't sign in, and the page doesn't say which one is wrong."""
    response = stranger.sign_in(name, secret)
    assert response.status_code == 403
    assert "No API key has this name and secret." in response.text
    assert stranger.cookie is None


@pytest.mark.parametrize("name", ["reader", "writer"])
def test_key_without_the_scope_is_told_so(stranger: Browser, name: str) -> None:
    """A key without the scope can't sign in; the page says so, and how such a key is written."""
    response = stranger.sign_in(name, f"{name}-secret")
    assert response.status_code == 403
    assert f"<code>{name}:secret:console</code>" in response.text
    assert f"{name}-secret" not in response.text
    assert stranger.cookie is None


def test_failed_sign_ins_count_as_wrong_keys(stranger: Browser) -> None:
    """Wrong keys at the sign-in and at the API have one limit; a right key is still accepted."""
    for _ in range(MAX_FAILURES // 2):
        assert stranger.sign_in("ops", "wrong").status_code == 403
        assert stranger.client.get("/v3/Transcriptions", auth=("ops", "wrong")).status_code == 401
    response = stranger.sign_in("ops", "wrong")
    assert (response.status_code, "Retry-After" in response.headers) == (429, True)
    assert stranger.sign_in("ops", "ops-secret").status_code == 303


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text()
    | st.sampled_from(
        [
            "//attacker.example",
            "/\\attacker.example",
            "https://attacker.example",
            "..//x",
            "\r\nX: y",
        ]
    )
)
def test_sign_in_leads_to_no_other_site(stranger: Browser, next_page: str) -> None:
    """Whatever the form's `next` is, the sign-in leads to this origin."""
    response = stranger.sign_in("ops", "ops-secret", next=next_page)
    if response.status_code == 303:
        target = urlsplit(urljoin(f"{PUBLIC_URL}/console/sign-in", response.headers["Location"]))
        assert f"{target.scheme}://{target.netloc}" == PUBLIC_URL
    else:
        assert response.status_code == 400


@pytest.mark.parametrize("headers", FOREIGN)
def test_form_of_another_site_is_refused(browser: Browser, headers: Mapping[str, str]) -> None:
    """An unsafe request of another page, or of no page, is a 403 and changes nothing."""
    cookie = browser.cookie
    for path in ("sign-in", "sign-out"):
        form = {"name": "ops", "secret": "ops-secret"}
        response = browser.post(path, form, headers)
        assert (response.status_code, "Set-Cookie" in response.headers) == (403, False)
    assert browser.cookie == cookie


@pytest.mark.parametrize("headers", [OWN_PAGE, {"Origin": PUBLIC_URL}])
def test_sign_out_removes_the_cookie(browser: Browser, headers: Mapping[str, str]) -> None:
    """A form of our own page signs out."""
    assert browser.post("sign-out", {}, headers).headers["Location"] == "/console/sign-in"
    assert browser.cookie is None
    assert browser.get("jobs").status_code == 303


def test_link_of_another_site_continues_with_the_cookie(
    stranger: Browser, browser: Browser
) -> None:
    """A link of another site comes without the cookie: a page of ours leads on, once."""
    response = stranger.get("jobs?status=FAILED", Sec_Fetch_Site="cross-site")
    assert 'content="0; url=/console/jobs?status=FAILED"' in response.text
    assert stranger.get("jobs", Sec_Fetch_Site="same-origin").status_code == 303
    assert browser.get("jobs", Sec_Fetch_Site="cross-site").status_code == 200


def test_session_ends_with_the_secret(app: Flask, browser: Browser) -> None:
    """A new secret ends every session at once, and so does the loss of the scope."""
    rotated = ApiKey("ops", "new-secret", frozenset({"console"}))
    reader = ApiKey("ops", "ops-secret")
    for key in (rotated, reader):
        with changed_settings(app, api_keys=(key,)):
            assert browser.get("jobs").status_code == 303
    assert browser.get("jobs").status_code == 200


def test_session_is_of_the_key_that_made_it() -> None:
    """A session is found among several keys, until its end."""
    keys = [ApiKey("other", "other-secret", frozenset({"console"})), KEY]
    session = make_session(KEY, NOW + 1)
    assert find_session(session, keys, at=NOW) == KEY
    assert find_session(session, keys, at=NOW + 1) is None
    assert find_session(session, keys[:1], at=NOW) is None


@given(st.data())
def test_no_changed_session_is_valid(data: st.DataObject) -> None:
    """A session with any other character is not valid."""
    session = make_session(KEY, NOW + 1)
    place = data.draw(st.integers(0, len(session) - 1))
    other = data.draw(st.characters().filter(lambda character: character != session[place]))
    assert find_session(f"{session[:place]}{other}{session[place + 1 :]}", [KEY], at=NOW) is None


@pytest.mark.parametrize("cookie", ["", "x", "1.", f"9999999999.{'0' * 64}", "é" * 100])
def test_forged_cookie_signs_nobody_in(stranger: Browser, cookie: str) -> None:
    """A forged cookie leads to the sign-in."""
    stranger.client.set_cookie(
        "__Host-receiver", cookie, domain="app.example.com", secure=True, path="/"
    )
    assert stranger.get("jobs").status_code == 303


def test_api_ignores_the_cookie(browser: Browser) -> None:
    """The cookie is for pages only: the API needs its key."""
    assert browser.client.get("/v3/Transcriptions", base_url=PUBLIC_URL).status_code == 401


def test_pages_have_no_script_and_no_frame(browser: Browser, stranger: Browser) -> None:
    """Every page forbids scripts, frames and copies, the sign-in and an error too."""
    for response in (browser.get("jobs"), browser.get("nothing"), stranger.get("sign-in")):
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Cache-Control"] == "no-store"
        assert "<script" not in response.text
        assert " style=" not in response.text


def test_stylesheet_is_kept_by_browsers(stranger: Browser) -> None:
    """The stylesheet is open to everybody; its URL changes with it, so browsers keep it."""
    [path] = re.findall(r'rel="stylesheet" href="/console/([^"]+)"', stranger.get("sign-in").text)
    response = stranger.get(path)
    assert response.content_type == "text/css; charset=utf-8"
    assert "immutable" in response.headers["Cache-Control"]


def test_long_form_is_refused(stranger: Browser) -> None:
    """A form is read up to a limit."""
    assert stranger.sign_in("ops", "x" * 20_000).status_code == 413


@pytest.mark.parametrize("is_stripped", [False, True])
def test_console_works_below_a_path(environ: dict[str, str], is_stripped: bool) -> None:  # noqa: FBT001 - pytest's parameter
    """Below the path of PUBLIC_URL, every link has that path, whether a proxy strips it or not."""
    app = create_app(environ | {"PUBLIC_URL": f"{PUBLIC_URL}/voice"})
    client, path = app.test_client(), "/console" if is_stripped else "/voice/console"
    response = client.get(f"{path}/jobs?status=FAILED", base_url=PUBLIC_URL)
    assert response.headers["Location"].startswith("/voice/console/sign-in?next=jobs%3Fstatus")
    page = client.get(f"{path}/sign-in", base_url=PUBLIC_URL).text
    assert set(re.findall(r'(?:href|action)="/([^/"]*)/', page)) == {"voice"}
    form = {"name": "ops", "secret": "ops-secret", "next": "jobs"}
    response = client.post(f"{path}/sign-in", base_url=PUBLIC_URL, data=form, headers=OWN_PAGE)
    assert response.headers["Location"] == "/voice/console/jobs"
    assert client.get(f"{path}/jobs", base_url=PUBLIC_URL).status_code == 200
    close_app(app)
