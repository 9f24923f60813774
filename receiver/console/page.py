"""Renders the pages, at the pace of readers, and names their URLs."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, g, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from receiver.console import words
from receiver.console.stylesheet import stylesheet
from receiver.runtime.pacing import paced
from receiver.services import services
from receiver.settings.urls import public_origin
from receiver.web.compression import represent

_FOLDER = Path(__file__).parent

_PAGES = (
    ("", "Overview"),
    ("jobs", "Jobs"),
    ("missing", "Missing"),
    ("quarantine", "Quarantine"),
    ("rejected", "Rejected"),
    ("erasures", "Erasures"),
)


def page_url(path: str = "", **query: object) -> str:
    """Return the URL of a page, given its path below the console's.

    It begins with the path of PUBLIC_URL, so it is right behind a proxy that strips that path.
    """
    prefix = urlsplit(public_origin(request.environ, services().settings.public_url)).path
    given = {name: value for name, value in query.items() if value is not None}

    return f"{prefix.rstrip('/')}/console/{path}{'?' if given else ''}{urlencode(given)}"


def job_link(job_id: str, path: str = "") -> str:
    """Return the URL of a job's page, or of a page below it."""
    return page_url(f"jobs/{quote(job_id, safe='')}{path}")


def go_to(path: str = "", **query: object) -> Response:
    """Return a redirection to a page, which the browser gets with GET."""
    return Response(status=303, headers={"Location": page_url(path, **query)})


def render(template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page made of a template, compressed if the client accepts it."""
    pause = services().limits.pacer.pause_if_due
    page = _environment().get_template(template)
    now, api_key = datetime.now(UTC), g.get("api_key")
    parts = page.generate(
        api_key=api_key,
        abilities=api_key and words.abilities(api_key.scopes),
        now=now,
        status=status,
        ago=lambda moment: words.ago(moment, now),
        **values,
    )
    data = "".join(paced(parts, pause)).encode("utf-8", "replace")
    representation = represent(data, "")
    response = Response(representation.data, status, content_type="text/html; charset=utf-8")
    if representation.is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")

    return response


@cache
def _environment() -> Environment:
    """Return Jinja's environment; it is made for the first page, and costs callbacks nothing."""
    environment = Environment(
        autoescape=True,
        auto_reload=False,
        loader=FileSystemLoader(_FOLDER / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals |= {
        "pages": _PAGES,
        "page_url": page_url,
        "job_link": job_link,
        "stylesheet_url": lambda: page_url("console.css", v=stylesheet()[1]),
    }
    environment.filters |= words.FILTERS

    return environment
