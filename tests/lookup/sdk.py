"""The README's recipe: Twilio's Python SDK as a client of this service."""

# mypy: disallow-subclassing-any=False
# The SDK ships no types.

from typing import Any
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response


class ReceiverHttpClient(TwilioHttpClient):
    """Sends every request to the receiver, whichever of Twilio's hosts it was meant for.

    With a region or an edge the SDK has other hosts in mind; none of them may see our API key.
    """

    def __init__(self, receiver: str, **options: Any) -> None:
        super().__init__(**options)
        self.receiver = receiver.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send the request to the same path and query of the receiver."""
        there = urlsplit(url)._replace(scheme="", netloc="").geturl()

        return super().request(method, self.receiver + there, *args, **kwargs)
