"""The web process of `make run`: the application, and a page with a button that signs in.

The page is part of the development tools only. It is of the application's own origin, so its form
passes the same checks as the console's own form.
"""

from flask import Flask, Response

from app import create_app as create_production_app
from dev.credentials import API_KEY, SIGN_IN_PATH

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Development</title>
<link rel="stylesheet" href="/console/console.css">
<main class="narrow">
<h1>Development</h1>
<form method="post" action="/console/sign-in">
<input type="hidden" name="name" value="{name}">
<input type="hidden" name="secret" value="{secret}">
<button autofocus>Open the console as {name}</button>
</form>
</main>
</html>
"""


def create_app() -> Flask:
    """Return the application with the page."""
    app = create_production_app()
    app.add_url_rule(SIGN_IN_PATH, "development", _show)

    return app


def _show() -> Response:
    name, secret = API_KEY
    response = Response(_PAGE.format(name=name, secret=secret), mimetype="text/html")
    response.headers["X-Frame-Options"] = "DENY"

    return response
