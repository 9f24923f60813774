"""Checks the Twilio credentials, and fetches the Transcription Configurations to check."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Engine

from receiver.doctor.configuration_checks import check_configurations
from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import QueryError, query
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

TWILIO_TIMEOUT_SECONDS = 30.0  # for all requests together
MAX_CONFIGURATION_COUNT = 10


def check_twilio(settings: Settings, engine: Engine | None) -> Iterator[Finding]:
    """Check the configurations of the newest jobs, at Twilio and in the database.

    `engine` is None if the database can't be used: then only the jobs at Twilio count.
    """
    if not settings.twilio_credentials:
        yield Finding(
            Verdict.OK,
            "Twilio: not checked. To check the configurations at Twilio, set TWILIO_ACCOUNT_SID "
            "together with the account's auth token, or an API key",
        )
        return
    try:
        with open_twilio(settings, deadline=Deadline(TWILIO_TIMEOUT_SECONDS)) as twilio:
            ids = dict.fromkeys([*_ids_at_twilio(twilio), *_ids_in_database(settings, engine)])
            yield _report_accepted(settings)
            configurations = {
                id_: _fetch(twilio, id_) for id_ in islice(ids, MAX_CONFIGURATION_COUNT)
            }
    except TwilioRefusedError as error:
        yield _report_refused(settings, error)
    except (TwilioUnavailableError, TwilioBusyError) as error:
        yield Finding(
            Verdict.WARN,
            f"Twilio: {error}",
            "Check that this machine can reach Twilio's API (or TWILIO_BASE_URL, if it is set), "
            "then run `flask --app app doctor` again.",
        )
    else:
        yield from check_configurations(
            configurations, settings.public_url, prefixes=settings.public_url_prefixes
        )


def _ids_at_twilio(twilio: Twilio) -> list[str]:
    """Return the configurations of Twilio's newest jobs, which may not be stored here yet."""
    page = next(twilio.list())
    ids = [job.get("transcriptionConfigurationId") for job in page.documents]

    return [id_ for id_ in ids if isinstance(id_, str)]


def _ids_in_database(settings: Settings, engine: Engine | None) -> list[str]:
    """Return the configurations of the newest jobs that are stored here."""
    if engine is None:
        return []
    try:
        return query(engine, configurations_in_use, account_id=settings.account_sid)
    except QueryError:
        return []


def _fetch(twilio: Twilio, configuration_id: str) -> Mapping[str, Any] | None:
    """Return the configuration's content; None if it was deleted or isn't readable."""
    try:
        content = twilio.configuration(configuration_id).document.get("configuration")
    except ValueError:
        return None
    except TwilioRefusedError as error:
        if error.is_credentials_error:
            raise
        return None

    return content if isinstance(content, Mapping) else None


def _report_accepted(settings: Settings) -> Finding:
    if settings.twilio_api_key:
        return Finding(Verdict.OK, "Twilio: TWILIO_API_KEY is accepted")

    return Finding(Verdict.OK, "Twilio: TWILIO_ACCOUNT_SID is accepted with its auth token")


def _report_refused(settings: Settings, error: TwilioRefusedError) -> Finding:
    if not error.is_credentials_error:
        return Finding(
            Verdict.WARN, f"Twilio: {error}", "Look up the error code in Twilio's documentation."
        )
    if settings.twilio_api_key:
        return Finding(
            Verdict.FAIL,
            f"Twilio: TWILIO_API_KEY is not accepted ({error.status})",
            "Create an API key in Twilio's Console, in the account and region of the recordings, "
            "and set TWILIO_API_KEY and TWILIO_API_SECRET to it.",
        )

    return Finding(
        Verdict.FAIL,
        f"Twilio: TWILIO_ACCOUNT_SID is not accepted with TWILIO_AUTH_TOKEN ({error.status})",
        "Copy the auth token of the account TWILIO_ACCOUNT_SID from Twilio's Console to "
        "TWILIO_AUTH_TOKEN. With a wrong token, this service also rejects the account's callbacks.",
    )
