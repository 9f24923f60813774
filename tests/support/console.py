"""A browser of the console, as far as requests and cookies show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.environment import PUBLIC_URL

CONSOLE_KEY = ("ops", "ops-secret")
OWN_PAGE: Mapping[str, str] = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Browser:
    """A client that keeps cookies, and says which site its requests come from."""

    client: FlaskClient

    def get(self, path: str = "", **headers: str) -> TestResponse:
        """Request a page; `path` is below the console's."""
        return self.client.get(f"/console/{path}", base_url=PUBLIC_URL, headers=headers)

    def post(
        self, path: str, form: Mapping[str, Any], headers: Mapping[str, str] = OWN_PAGE
    ) -> TestResponse:
        """Submit a form."""
        return self.client.post(f"/console/{path}", base_url=PUBLIC_URL, data=form, headers=headers)

    def sign_in(self, name: str, secret: str, **fields: str) -> TestResponse:
        """Submit the form that signs in."""
        return self.post("sign-in", {"name": name, "secret": secret, **fields})

    @property
    def cookie(self) -> str | None:
        """The value of the session's cookie."""
        found = self.client.get_cookie("__Host-receiver", domain="app.example.com")

        return found.value if found else None
