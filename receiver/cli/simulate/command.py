"""The command `simulate`: serves a simulated Twilio for development."""

import os
import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import click
from flask.cli import with_appcontext

from receiver.cli.output import CommandError, echo
from receiver.cli.simulate.account import account_sid, credentials, default_port, signing_key
from receiver.cli.simulate.guide import guide, local_origin
from receiver.services import services
from receiver.settings.urls import CALLBACK_PATH
from receiver.simulator.faults import Delays, Faults
from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator

_Command = Callable[..., None]


class _Percentage(click.ParamType[float]):
    """A percentage, `5%` or `5`, as a number from 0 to 1."""

    name = "percent"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Parse the percentage."""
        try:
            share = float(str(value).removesuffix("%")) / 100
        except ValueError:
            share = -1
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is not a percentage from 0% to 100%.", param, ctx)

        return share


def _percentage_option(name: str, help_text: str) -> Callable[[_Command], _Command]:
    return click.option(name, type=_Percentage(), default="0%", show_default=True, help=help_text)


@click.command("simulate")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The port to listen on.  [default: that of TWILIO_BASE_URL, or 9000]",
)
@click.option(
    "--callback-url",
    help="Where to send callbacks; it must be on this machine.  [default: this service]",
)
@click.option(
    "--seed", type=int, help="The same seed gives the same jobs.  [default: a random one]"
)
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=4.0,
    show_default=True,
    help="How long each job takes, in seconds.",
)
@_percentage_option("--lose", "Share of callbacks that are never sent.")
@_percentage_option("--duplicate", "Share of callbacks that are sent twice.")
@_percentage_option("--reorder", "Share of callbacks that arrive after later ones.")
@_percentage_option("--late", "Share of callbacks that are sent a minute late.")
@_percentage_option("--busy", "Share of requests that are answered 429.")
@_percentage_option(
    "--broken", "Share of requests that are answered 500; they may be executed or not."
)
@with_appcontext
def command(  # noqa: PLR0913 - each is an option of the command
    *,
    port: int | None,
    callback_url: str | None,
    seed: int | None,
    seconds: float,
    lose: float,
    duplicate: float,
    reorder: float,
    late: float,
    busy: float,
    broken: float,
) -> None:
    """Serve a simulated Twilio for development.

    It is reachable from this machine only. Prints how to connect the receiver to it and how to
    submit a job. Ctrl-C ends it.
    """
    settings = services().settings
    port = port or default_port(settings)
    seed = secrets.randbelow(10**6) if seed is None else seed
    url = callback_url or f"{settings.public_url or local_origin(settings)}{CALLBACK_PATH}"
    simulator = Simulator(
        account_sid=account_sid(settings),
        credentials=credentials(settings),
        signing_key=signing_key(settings),
        callback_url=url,
        seed=seed,
        delays=Delays(pending=seconds / 4, running=seconds * 3 / 4, conversation=seconds),
        faults=Faults(
            lost=lose, duplicated=duplicate, reordered=reorder, late=late, busy=busy, broken=broken
        ),
        log=echo,
    )
    with ExitStack() as stack:
        try:
            served = stack.enter_context(serve(simulator, port=port))
        except OSError as error:
            raise CommandError(
                f"port {port}: {os.strerror(error.errno or 0)}. Choose another port with --port, "
                "and set the receiver's TWILIO_BASE_URL to it."
            ) from error
        echo(*guide(served.url, settings, callback_url=url, seed=seed).split("\n"))
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        echo()
