"""Tests of the console in Chromium: sign-in, accessibility, narrow screens, and its protection."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import Engine

from receiver.metrics.figures import Counting, refresh_figures
from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import store_rejected
from tests.console.test_overview import NO_TIME
from tests.support.chromium import emulate, needs_chromium, open_chromium
from tests.support.environment import open_engine, serve_app
from tests.support.rejections import make_rejected
from tests.support.samples import ACCOUNT, COMPLETED, JOB
from tests.support.server import WebServer, web_server
from tests.support.stored_callbacks import callback, record_callback

pytestmark = needs_chromium

AXE = Path(__file__).parent / "axe/node_modules/axe-core/axe.min.js"
needs_axe = pytest.mark.skipif(
    not AXE.exists(),
    reason="axe-core is missing: install Node and npm, then run "
    "`npm ci --prefix tests/console/axe`.",
)
# A long name without a space, and text from right to left.
LONG = "x" * 60
PEOPLE = [{"name": LONG, "address": f"+{LONG}"}, {"name": "\u05e9\u05e8\u05d4", "type": "AI_AGENT"}]

PAGES = (
    *("", "jobs", "jobs?createdAfter=yesterday", "jobs?status=PENDING", f"jobs/{JOB}"),
    *(f"jobs/{JOB}/transcript", "jobs/missing", "jobs/long", "missing", "quarantine"),
    *("rejected", "erasures", "nothing"),
)


@dataclass(frozen=True)
class Console:
    """A browser, and the service that it visits."""

    driver: Chrome
    web: WebServer

    def open(self, path: str = "") -> None:
        """Visit a page."""
        self.driver.get(f"{self.web.url}/console/{path}")

    def sign_in(self, name: str, secret: str) -> None:
        """Fill in the form, with the keyboard alone."""
        field = self.driver.switch_to.active_element
        field.send_keys(name, Keys.TAB)
        self.driver.switch_to.active_element.send_keys(secret, Keys.ENTER)

    @property
    def text(self) -> str:
        """What the page shows."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def wait_for(self, text: str) -> None:
        """Wait until the page that is being opened shows the text."""
        waiting = WebDriverWait(self.driver, 10, ignored_exceptions=[WebDriverException])
        waiting.until(lambda _: text in self.text)

    def script(self, code: str) -> Any:
        """Return the value of an expression of JavaScript."""
        return self.driver.execute_script(f"return {code}")


@pytest.fixture(scope="module")
def console(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Yield a browser that is signed in, and a service with jobs of each kind."""
    log = tmp_path_factory.mktemp("console") / "log"
    options = {"metrics_seconds": 1000.0}
    with open_engine(module_database) as engine:
        _fill(engine)
    keys = "ops:ops-secret:console+erase,reader:reader-secret"
    with web_server(module_database, log, options, API_KEYS=keys) as web, open_chromium() as driver:
        console = Console(driver, web)
        console.open("jobs?status=COMPLETED")
        console.sign_in("ops", "ops-secret")
        console.wait_for(JOB)
        yield console


def _fill(engine: Engine) -> None:
    record_callback(engine, COMPLETED)
    now = datetime.now(UTC)
    record_callback(engine, callback("missing", updatedAt=now.isoformat()), at=now)
    record_callback(engine, callback("long", participants=PEOPLE, sentences=[{"text": LONG}]))
    record_callback(engine, callback("missing", status="unforeseen"))
    store_rejected(engine, make_rejected(1, account=ACCOUNT), Quotas(frozenset()))
    refresh_figures(
        engine,
        ConcurrencyLimit(1),
        counting=Counting(NO_TIME),
        max_age=NO_TIME,
        statement_seconds=5.0,
    )


def test_browser_keeps_the_session_on_loopback(console: Console) -> None:
    """Chromium keeps the cookie on http at loopback, and hides it from scripts."""
    console.open("jobs")
    assert JOB in console.text
    assert "Signed in with the API key ops" in console.text
    assert console.script("document.cookie") == ""
    [cookie] = console.driver.get_cookies()
    assert (cookie["name"], cookie["secure"]) == ("__Host-receiver", True)


def test_key_without_the_scope_is_told_so(console: Console) -> None:
    """Without a session the form appears; a key without the scope is told what it lacks."""
    with open_chromium() as driver:
        stranger = Console(driver, console.web)
        stranger.open("missing")
        stranger.sign_in("reader", "reader-secret")
        stranger.wait_for("lacks the scope console")
        stranger.sign_in("ops", "ops-secret")
        stranger.wait_for("Missing transcripts")
        assert stranger.driver.current_url.endswith("/console/missing")
        stranger.driver.find_element(By.CSS_SELECTOR, ".key button").click()
        stranger.wait_for("Name of the key")
        stranger.open("missing")
        assert "Signed in" not in stranger.text


@needs_axe
@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible(console: Console, path: str) -> None:
    """axe-core finds nothing, in both themes."""
    for dark in (False, True):
        emulate(console.driver, width=1280, dark=dark)
        console.open(path)
        console.driver.execute_script(AXE.read_text())
        report = console.driver.execute_async_script(
            "axe.run().then(arguments[arguments.length - 1])"
        )
        found = [(each["id"], each["nodes"][0]["html"]) for each in report["violations"]]
        assert found == [], json.dumps(found, indent=2)


@pytest.mark.parametrize("path", PAGES)
def test_page_fits_a_phone(console: Console, path: str) -> None:
    """No page is wider than a screen of 360 pixels."""
    emulate(console.driver, width=360)
    console.open(path)
    assert console.script("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("path", PAGES)
def test_page_is_small_and_breaks_no_rule(console: Console, path: str) -> None:
    """A page and its stylesheet have less than 100 kB, and break no rule of the policy."""
    console.driver.get_log("browser")  # type: ignore[no-untyped-call]
    console.open(path)
    sizes = console.script(
        "performance.getEntries().filter(entry => 'transferSize' in entry)"
        ".map(entry => [new URL(entry.name).origin, entry.decodedBodySize])"
    )
    assert {origin for origin, _ in sizes} == {console.web.url}
    assert sum(size for _, size in sizes) < 100_000
    messages = [line["message"] for line in console.driver.get_log("browser")]  # type: ignore[no-untyped-call]
    assert [line for line in messages if "Failed to load resource" not in line] == []


def test_first_key_skips_to_the_content(console: Console) -> None:
    """The first link leads a keyboard past the navigation."""
    console.open("jobs")
    console.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    console.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert console.script("document.activeElement.id") == "main"


def test_transcript_prints_without_the_frame(console: Console) -> None:
    """In print, the transcript has no navigation and no button."""
    console.open(f"jobs/{JOB}/transcript")
    emulate(console.driver, width=800, media="print")
    assert not console.driver.find_element(By.CSS_SELECTOR, ".top").is_displayed()
    assert "Thank you for calling" in console.text
    emulate(console.driver, width=1280)


def test_attacker_can_neither_frame_nor_submit(console: Console) -> None:
    """A page of another origin can't show the console in a frame, or submit its forms."""
    target = console.web.url
    page = (
        f'<iframe src="{target}/console/jobs"></iframe>'
        f'<form method="post" action="{target}/console/sign-out"><button>Win</button></form>'
    ).encode()

    def attack(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [page]

    with serve_app(attack, threaded=True) as origin:
        console.driver.get(origin.replace("127.0.0.1", "localhost"))
        console.driver.switch_to.frame(0)
        assert JOB not in console.text
        console.driver.switch_to.default_content()
        console.driver.find_element(By.TAG_NAME, "button").click()
        console.wait_for("doesn't come from a page of the console")
    console.open("jobs")
    assert JOB in console.text


def test_link_of_another_site_opens_its_page(console: Console) -> None:
    """A link of another site, such as one in a message, opens its page with the session."""
    link = f'<a href="{console.web.url}/console/jobs/{JOB}">job</a>'.encode()

    def other_site(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [link]

    with serve_app(other_site, threaded=True) as origin:  # a browser opens connections in advance
        console.driver.get(origin.replace("127.0.0.1", "localhost"))
        console.driver.find_element(By.TAG_NAME, "a").click()
        console.wait_for("Callback received")
