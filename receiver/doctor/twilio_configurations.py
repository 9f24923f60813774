"""Asking Twilio about our configurations, as far as there are credentials for that.

Imported by the doctor when it does so: the web process needs no HTTP client.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Engine

from receiver.doctor.configuration_checks import of_configurations
from receiver.doctor.finding import Finding, NoAnswerError, Verdict, patiently
from receiver.runtime.deadline import Deadline
from receiver.settings.config import Settings
from receiver.store.jobs.configurations import configurations_in_use
from receiver.twilio.client import (
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
    open_twilio,
)

SECONDS = 30.0  # for all that is asked of Twilio
MOST = 10  # configurations


def findings(settings: Settings, engine: Engine | None) -> Iterator[Finding]:
    """Ask about the configurations of Twilio's newest jobs and of those in a sound database."""
    if settings.twilio_credentials is None:
        yield Finding(
            Verdict.OK,
            "Twilio: not asked. With TWILIO_ACCOUNT_SID set, beside that account's token, its "
            "configurations would be looked at",
        )
        return
    try:
        with open_twilio(settings, deadline=Deadline(SECONDS)) as twilio:
            names = dict.fromkeys([*_named_at_twilio(twilio), *_in_use(settings, engine)])
            yield of_credentials(settings)
            configurations = {name: _inner(twilio, name) for name in islice(names, MOST)}
    except TwilioRefusedError as error:
        yield of_refusal(settings, error)
    except (TwilioUnavailableError, TwilioBusyError) as error:
        yield Finding(
            Verdict.WARN,
            f"Twilio: {error}",
            "Let this machine reach Twilio's API (TWILIO_BASE_URL, where it is set), and run "
            "`flask --app app doctor` again.",
        )
    else:
        yield from of_configurations(configurations, settings.public_url)


def _named_at_twilio(twilio: Twilio) -> list[str]:
    """Return the ids that Twilio's newest jobs name: ours may never have heard of these jobs."""
    page = next(twilio.list())
    named = [job.get("transcriptionConfigurationId") for job in page.documents]

    return [name for name in named if isinstance(name, str)]


def _inner(twilio: Twilio, name: str) -> Mapping[str, Any] | None:
    """Return what is configured; None where it is gone, or is nothing that can be told."""
    try:
        told = twilio.configuration(name).document.get("configuration")
    except ValueError:
        return None
    except TwilioRefusedError as error:
        if error.is_credentials_error:
            raise
        return None

    return told if isinstance(told, Mapping) else None


def _in_use(settings: Settings, engine: Engine | None) -> list[str]:
    """Return the ids that our own newest jobs name."""
    if engine is None:
        return []

    def look() -> list[str]:
        with engine.connect() as connection:
            return configurations_in_use(connection, account_id=settings.account_sid)

    try:
        return patiently(look)
    except NoAnswerError:
        return []


def of_credentials(settings: Settings) -> Finding:
    """Say that they work, and what that proves."""
    if settings.twilio_api_key:
        return Finding(Verdict.OK, "Twilio: it knows TWILIO_API_KEY")

    return Finding(Verdict.OK, "Twilio: it knows TWILIO_ACCOUNT_SID with its auth token")


def of_refusal(settings: Settings, error: TwilioRefusedError) -> Finding:
    """Judge what Twilio refused: a token that isn't the account's verifies no callback either."""
    if not error.is_credentials_error:
        return Finding(Verdict.WARN, f"Twilio: {error}", "Look up the code in Twilio's docs.")
    if settings.twilio_api_key:
        return Finding(
            Verdict.FAIL,
            f"Twilio: it refuses TWILIO_API_KEY ({error.status})",
            "Make an API key in Twilio's Console, in the account and region of the recordings, and "
            "set TWILIO_API_KEY and TWILIO_API_SECRET to it.",
        )

    return Finding(
        Verdict.FAIL,
        f"Twilio: it refuses TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN ({error.status})",
        "Copy the auth token of the account TWILIO_ACCOUNT_SID from Twilio's Console to "
        "TWILIO_AUTH_TOKEN: with one that isn't its own, its callbacks are refused here too.",
    )
