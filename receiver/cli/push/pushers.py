"""Makes what sends to each endpoint, from the settings."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from receiver.cli.output import CommandError
from receiver.push.message import make_message
from receiver.push.pusher import Pusher
from receiver.push.sender import Sender
from receiver.services import services
from receiver.settings.push_endpoints import PushEndpoint
from receiver.settings.urls import without_credentials


def configured_endpoints() -> Sequence[PushEndpoint]:
    """Return the endpoints of the settings; raises CommandError if there is none."""
    endpoints = services().settings.push_endpoints
    if not endpoints:
        raise CommandError(
            "PUSH_ENDPOINTS is not set, so there is nowhere to send to. Set it to name=https://…, "
            "and PUSH_SECRETS to name=whsec_…"
        )

    return endpoints


@contextmanager
def open_pushers(*, is_stopping: Callable[[], bool]) -> Iterator[list[Pusher]]:
    """Yield a pusher for each endpoint of the settings; raises CommandError."""
    settings = services().settings
    if settings.public_url is None:
        raise CommandError("PUBLIC_URL is not set, and the links in messages begin with it.")
    make = partial(make_message, origin=without_credentials(settings.public_url), settings=settings)
    with ExitStack() as stack:
        yield [
            Pusher(
                services().engine,
                endpoint.name,
                make=make,
                send=stack.enter_context(Sender(endpoint)).send,
                is_stopping=is_stopping,
            )
            for endpoint in configured_endpoints()
        ]
