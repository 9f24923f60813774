"""Pages of Twilio's lists."""

import pytest
from werkzeug.wrappers import Request, Response

from receiver.twilio.client import (
    Twilio,
    TwilioUnavailableError,
)
from tests.support.scripted import Scripted, answer


def _answer_page(request: Request) -> Response:
    """Return one of three pages, as the token requests."""
    number = int(request.args.get("pageToken", "0"))
    following = {"nextToken": str(number + 1)} if number < 2 else {}
    rows = [{"id": f"{number}-{request.args['status']}"}]

    return answer({"things": rows, "meta": {"key": "things", "pageSize": 100, **following}})


def test_list_has_all_pages(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """The list follows Twilio's tokens, with the query on every page."""
    scripted_twilio.answers(_answer_page)
    pages = [page.documents for page in twilio_client.list(status="RUNNING")]
    assert pages == [[{"id": f"{number}-RUNNING"}] for number in range(3)]


def test_repeated_token_is_an_error(twilio_client: Twilio, scripted_twilio: Scripted) -> None:
    """A repeated token is an error, not an endless list."""
    scripted_twilio.answers(answer({"a": [], "meta": {"key": "a", "nextToken": "again"}}))
    with pytest.raises(TwilioUnavailableError, match="repeats a nextToken"):
        list(twilio_client.list())


@pytest.mark.parametrize("token", [[1], "\0", "\ud800", "x" * 8193])
def test_invalid_token_is_not_followed(
    twilio_client: Twilio, scripted_twilio: Scripted, token: object
) -> None:
    """A token that the store can't contain is an error."""
    scripted_twilio.answers(answer({"a": [], "meta": {"key": "a", "nextToken": token}}))
    with pytest.raises(TwilioUnavailableError, match="invalid nextToken"):
        list(twilio_client.list())


@pytest.mark.parametrize(
    "page", [{}, {"meta": {"key": "a"}}, {"meta": {"key": []}}, {"a": [1], "meta": {"key": "a"}}]
)
def test_invalid_page_is_no_answer(
    twilio_client: Twilio, scripted_twilio: Scripted, page: dict[str, object]
) -> None:
    """An object without the rows that its `meta` names is no answer."""
    scripted_twilio.answers(answer(page))
    with pytest.raises(TwilioUnavailableError, match="not a page"):
        list(twilio_client.list())
