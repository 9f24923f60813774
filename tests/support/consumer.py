"""A consumer of the feed of changes, as docs/consuming.md describes one."""

from collections.abc import Iterator
from typing import Any

from flask.testing import FlaskClient

from tests.support.environment import KEY
from tests.support.stored_callbacks import json_of


class Consumer:
    """Keeps the newest state of each job, and the last cursor."""

    def __init__(
        self, client: FlaskClient, *, cursor: str | None = None, page_size: int = 3
    ) -> None:
        self.client = client
        self.cursor = cursor
        self.page_size = page_size
        self.jobs: dict[str, dict[str, Any]] = {}
        self.received: list[str] = []

    def read_page(self) -> dict[str, Any]:
        """Process one page, then store its cursor; return its `meta`."""
        arguments = {"pageSize": self.page_size} | ({"cursor": self.cursor} if self.cursor else {})
        response = self.client.get("/v3/Changes", query_string=arguments, auth=KEY)
        assert response.status_code == 200, response.data
        page = json_of(response)
        for change in page["changes"]:
            self.jobs[change["id"]] = change
            self.received.append(change["id"])
        meta: dict[str, Any] = page["meta"]
        self.cursor = meta["nextCursor"]

        return meta

    def pages(self) -> Iterator[dict[str, Any]]:
        """Process pages as long as there are more."""
        while True:
            meta = self.read_page()
            yield meta
            if not meta["more"]:
                return

    def catch_up(self) -> list[str]:
        """Process all pages that there are; return the ids of the jobs, in their order."""
        start = len(self.received)
        for _ in self.pages():
            pass

        return self.received[start:]
