"""The command that serves a Twilio to develop against."""

import os
import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import click
from flask.cli import with_appcontext

from receiver.services import services
from receiver.settings.config import Settings
from receiver.settings.urls import CALLBACK_PATH, without_credentials

_NOBODY = f"AC{'0' * 32}"  # the account, where the settings name none
_Command = Callable[..., None]


class _Share(click.ParamType[float]):
    """A share in percent, `5%` or `5`, as a number from 0 to 1."""

    name = "percent"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the percentage."""
        try:
            share = float(str(value).removesuffix("%")) / 100
        except ValueError:
            share = -1
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is not a percentage from 0% to 100%.", param, ctx)

        return share


def _share(name: str, what: str) -> Callable[[_Command], _Command]:
    return click.option(name, type=_Share(), default="0%", show_default=True, help=what)


@click.command("simulate")
@click.option("--port", type=click.IntRange(1, 65535), default=9000, show_default=True)
@click.option("--callback-url", help="Where callbacks go, on this machine. [default: this service]")
@click.option("--seed", type=int, help="Makes the same jobs again. [default: another each time]")
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=4.0,
    show_default=True,
    help="How long a job takes.",
)
@_share("--lose", "Callbacks that are never sent.")
@_share("--duplicate", "Callbacks that are sent twice.")
@_share("--reorder", "Callbacks that others overtake.")
@_share("--late", "Callbacks that come a minute late.")
@_share("--busy", "Requests that are answered 429.")
@_share("--broken", "Requests that are answered 500, carried out or not.")
@with_appcontext
def command(  # noqa: PLR0913 - each is an option of the command
    *,
    port: int,
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
    """Serve a Twilio to develop against, on this machine alone, until Ctrl-C."""
    # The web process needs no simulator.
    from receiver.simulator.faults import Delays, Faults  # noqa: PLC0415
    from receiver.simulator.server import serve  # noqa: PLC0415
    from receiver.simulator.simulator import Simulator  # noqa: PLC0415

    ours = services().settings
    seed = secrets.randbelow(10**6) if seed is None else seed
    url = callback_url or f"{ours.public_url or _here(ours)}{CALLBACK_PATH}"
    simulator = Simulator(
        account_sid=_account_sid(ours),
        credentials=_credentials(ours),
        signing_key=_signing_key(ours),
        callback_url=url,
        seed=seed,
        delays=Delays(pending=seconds / 4, running=seconds * 3 / 4, conversation=seconds),
        faults=Faults(
            lost=lose, duplicated=duplicate, reordered=reorder, late=late, busy=busy, broken=broken
        ),
        log=click.echo,
    )
    with ExitStack() as stack:
        try:
            served = stack.enter_context(serve(simulator, port=port))
        except OSError as error:
            raise click.ClickException(
                f"port {port}: {os.strerror(error.errno or 0)}. Take another with --port, and name "
                "it in the receiver's TWILIO_BASE_URL."
            ) from error
        click.echo(_guide(served.url, ours, callback_url=url, seed=seed))
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        click.echo()


def _here(ours: Settings) -> str:
    """Return the receiver's origin on this machine."""
    return f"http://127.0.0.1:{ours.port}"


def _account_sid(ours: Settings) -> str:
    bound = (key.account for key in ours.signing_keys if key.account)

    return ours.account_sid or next(bound, _NOBODY)


def _credentials(ours: Settings) -> set[tuple[str, str]]:
    """Return all that the settings can call Twilio with."""
    sid = _account_sid(ours)
    tokens = [key for key in ours.signing_keys if key.algorithm == "HMAC_SHA1"]
    pairs = {(sid, key.secret) for key in tokens if key.account in {None, sid}}
    if ours.twilio_credentials:
        pairs.add(ours.twilio_credentials)
    if not pairs:
        raise click.ClickException(
            "nobody could call it: set TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET."
        )

    return pairs


def _signing_key(ours: Settings) -> str | tuple[str, str]:
    """Return the first auth token, else the first SharedKey."""
    keys = sorted(ours.signing_keys, key=lambda key: key.algorithm != "HMAC_SHA1")

    return keys[0].secret if keys[0].algorithm == "HMAC_SHA1" else (keys[0].id, keys[0].secret)


def _guide(url: str, ours: Settings, *, callback_url: str, seed: int) -> str:
    """Return what to paste. No secret is told: they are the ones in the environment."""
    from receiver.simulator.configurations import (  # noqa: PLC0415 - as above
        CALLBACK_ONLY,
        WITH_CONVERSATION,
    )

    user = "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN"
    if ours.twilio_api_key:
        user = "$TWILIO_API_KEY:$TWILIO_API_SECRET"

    return (
        f"Twilio, simulated at {url} with --seed {seed}; Ctrl-C ends it.\n"
        f"Callbacks go to {without_credentials(callback_url)}\n{_hint(ours, callback_url)}\n"
        f"For the receiver, beside the settings that this command has:\n"
        f"  export TWILIO_BASE_URL={url} TWILIO_ACCOUNT_SID={_account_sid(ours)}\n\n"
        f"A job whose transcript is kept in a conversation too:\n"
        f'  curl -u "{user}" -H "Content-Type: application/json" \\\n'
        f"    {url}/v3/Transcriptions \\\n"
        f'    -d \'{{"transcriptionConfigurationId": "{WITH_CONVERSATION}",\n'
        f'         "sourceId": "RE{secrets.token_hex(16)}"}}\'\n'
        f"One that only its callback brings: the same with {CALLBACK_ONLY}\n"
    )


def _hint(ours: Settings, callback_url: str) -> str:
    """Return what to set where no callback can arrive, "" where they can."""
    from receiver.simulator.delivery import is_deliverable  # noqa: PLC0415 - as above

    if is_deliverable(callback_url):
        return ""

    return (
        "None will arrive: nothing is sent but over http to this machine. Start both this and the "
        f"receiver with PUBLIC_URL={_here(ours)}, and this without --callback-url.\n"
    )
