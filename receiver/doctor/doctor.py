"""The doctor: what is wrong with this deployment, before a transcript dies of it."""

import re
from collections.abc import Callable, Iterator

from sqlalchemy import Engine

from receiver.doctor import quarantined, rejections, spooled, transcripts
from receiver.doctor.finding import Finding, NoAnswerError, Verdict, patiently
from receiver.settings.config import Settings
from receiver.settings.urls import without_credentials
from receiver.store.schema import SchemaState, is_writable, schema_state
from receiver.store.server import Server, describe_server

OLDEST_POSTGRES = 16
# Two releases run side by side for a moment; the new one's migration and a command of the
# operator's need one connection each.
RELEASES = 2
COMMANDS = 2
LARGEST_CALLBACK = 1_000_000  # bytes; Twilio skips a callback beyond 1 MB (17564)

_AUTH_TOKEN = re.compile(r"[0-9a-f]{32}")


def run(
    settings: Settings, engine: Engine, *, send_test: bool, tell: Callable[[str], None]
) -> bool:
    """Tell each finding as it comes, then what to do, failures first; return if none failed."""
    told = []
    for finding in _findings(settings, engine, send_test=send_test):
        tell(f"{finding.verdict:<4}  {finding.text}")
        told.append(finding)
    failed = [finding for finding in told if finding.verdict == Verdict.FAIL]
    remedies = [finding.remedy for finding in failed + told if finding.remedy]
    if remedies:
        tell("\nWhat to do, in this order:")
    for position, remedy in enumerate(dict.fromkeys(remedies), 1):
        tell(f"{position}. {remedy}")

    return not failed


def _findings(settings: Settings, engine: Engine, *, send_test: bool) -> Iterator[Finding]:
    yield from _of_settings(settings)
    yield from spooled.findings(settings)
    failed = False
    for finding in _of_database(settings, engine):
        failed |= finding.verdict == Verdict.FAIL
        yield finding
    if not failed:
        yield from transcripts.findings(settings, engine)
    # Not in the web process, which imports this module for its command.
    from receiver.doctor import twilio_configurations  # noqa: PLC0415 - an HTTP client

    yield from twilio_configurations.findings(settings, None if failed else engine)
    if not send_test:
        return
    if failed:
        yield Finding(
            Verdict.FAIL, "test callback: not sent, since something above must be mended first"
        )
        return
    from receiver.doctor import send_test as test  # noqa: PLC0415 - likewise

    yield from test.findings(settings, engine)


def _of_settings(settings: Settings) -> Iterator[Finding]:
    keys = ", ".join(key.id for key in settings.signing_keys)
    readers = ", ".join(key.name for key in settings.api_keys)
    yield Finding(Verdict.OK, f"settings: verifies with {keys}; {readers} may read")
    yield from map(of_token, _odd_tokens(settings))
    yield of_public_url(settings.public_url)
    if not settings.accounts:
        yield rejections.NO_ACCOUNT
    if settings.account_sid and not _may_sign(settings, settings.account_sid):
        yield Finding(
            Verdict.WARN,
            "TWILIO_AUTH_TOKEN: every token is bound to another account than TWILIO_ACCOUNT_SID, "
            "whose callbacks are quarantined",
            "Write the SID of the token's own account before it (ACsid=token), or the token alone.",
        )
    if settings.max_body_bytes < LARGEST_CALLBACK:
        yield Finding(
            Verdict.WARN,
            f"MAX_BODY_BYTES: {settings.max_body_bytes}, though a callback may have 1 MB",
            "Unset MAX_BODY_BYTES: a larger callback is refused for good, and its transcript lost.",
        )


def _may_sign(settings: Settings, account: str) -> bool:
    return any(key.account in {None, account} for key in settings.signing_keys)


def _odd_tokens(settings: Settings) -> list[str]:
    return [
        key.id
        for key in settings.signing_keys
        if key.algorithm == "HMAC_SHA1" and not _AUTH_TOKEN.fullmatch(key.secret)
    ]


def of_token(key_id: str) -> Finding:
    """Warn of the classic: the secret of an API key of Twilio's in the auth token's place."""
    return Finding(
        Verdict.WARN,
        f"TWILIO_AUTH_TOKEN: {key_id} does not look like an auth token (32 hexadecimal digits)",
        "Copy the auth token from the account's page in Twilio's Console: callbacks are signed "
        "with it, not with an API key's secret.",
    )


def of_public_url(url: str | None) -> Finding:
    """Judge the address; only --send-test shows whether it is the right one."""
    if url is None:
        return Finding(
            Verdict.WARN,
            "PUBLIC_URL: not set, so it is taken from each request's Host and X-Forwarded-Proto",
            "Set PUBLIC_URL to the origin that Twilio calls, such as https://app.example.com.",
        )
    if url.startswith("http:"):
        return Finding(
            Verdict.WARN,
            f"PUBLIC_URL: {without_credentials(url)} carries transcripts unencrypted",
            "Set PUBLIC_URL to an https address, unless this is a test on your own machine.",
        )

    return Finding(Verdict.OK, f"PUBLIC_URL: {without_credentials(url)}")


def _of_database(settings: Settings, engine: Engine) -> Iterator[Finding]:
    def look() -> tuple[Server, bool, SchemaState]:
        with engine.connect() as connection:
            return describe_server(connection), is_writable(connection), schema_state(connection)

    try:
        server, writable, schema = patiently(look)
    except NoAnswerError as error:
        yield Finding(
            Verdict.FAIL,
            f"database: {error}",
            "Check DATABASE_URL, that the database runs, and that this machine may reach it.",
        )
        return
    yield of_version(server.version)
    if not writable:
        yield Finding(
            Verdict.FAIL,
            "database: it takes no writes, so every callback is answered 503",
            "Let DATABASE_URL name the primary, or lift what made it read-only (a full disk, a "
            "plan's limit, default_transaction_read_only).",
        )
    yield of_schema(schema)
    yield of_room(settings, server.available_connections)
    if schema != "behind":
        yield from _of_contents(engine)


def _of_contents(engine: Engine) -> Iterator[Finding]:
    for look in (rejections.finding, quarantined.finding):
        try:
            yield look(engine)
        except NoAnswerError as error:
            yield Finding(Verdict.FAIL, f"database: {error}", "Run the doctor again.")


def of_version(version: int) -> Finding:
    """Judge Postgres's major version."""
    if version < OLDEST_POSTGRES:
        return Finding(
            Verdict.FAIL,
            f"database: Postgres {version} is too old",
            f"Upgrade the database to Postgres {OLDEST_POSTGRES} or newer.",
        )

    return Finding(Verdict.OK, f"database: Postgres {version} answers")


def of_schema(schema: SchemaState) -> Finding:
    """Judge the schema; a newer one is in order, for a release migrates first."""
    if schema == "behind":
        return Finding(Verdict.FAIL, "schema: behind this code", "Run `flask --app app migrate`.")

    return Finding(Verdict.OK, f"schema: {schema}")


def of_room(settings: Settings, room: int) -> Finding:
    """Judge whether `room` connections are enough; a failure is not enough for one release."""
    own = settings.web_concurrency * settings.db_pool_size
    needed = RELEASES * own + COMMANDS
    told = (
        f"connections: {settings.web_concurrency} workers x {settings.db_pool_size}, for "
        f"{RELEASES} releases, and {COMMANDS} commands make {needed}; there is room for {room}"
    )
    if needed <= room:
        return Finding(Verdict.OK, told)

    return Finding(
        Verdict.FAIL if own > room else Verdict.WARN,
        told,
        "Lower WEB_CONCURRENCY or DB_POOL_SIZE, end other users' connections, or take a larger "
        "database.",
    )
