"""Checks the settings that can be checked without the database and without Twilio."""

import re
from collections.abc import Iterator

from receiver.doctor.finding import Finding, Verdict
from receiver.settings.config import Settings
from receiver.settings.urls import without_credentials

MIN_BODY_LIMIT_BYTES = 1_000_000  # Twilio sends no callback above 1 MB (its error 17564)

MIN_SECRET_CHARACTERS = 16

BIND_TO_OWN_ACCOUNT = (
    "In TWILIO_AUTH_TOKEN and TWILIO_SIGNING_KEYS, write the SID of the key's own account "
    "(ACsid=token, keyId@ACsid=secret), or no SID. Then restart the web process."
)

_AUTH_TOKEN = re.compile(r"[0-9a-f]{32}")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Check all settings; a doubtful one may be intended, so it is only a warning."""
    keys = ", ".join(key.id for key in settings.signing_keys)
    readers = ", ".join(key.name for key in settings.api_keys)
    yield Finding(Verdict.OK, f"settings: callbacks are verified with {keys}; API keys: {readers}")
    yield from _check_auth_tokens(settings)
    yield from _check_api_keys(settings)
    yield _check_public_url(settings.public_url)
    yield from _check_accounts(settings)
    yield from _check_body_limit(settings)


def _check_auth_tokens(settings: Settings) -> Iterator[Finding]:
    for key in settings.signing_keys:
        if key.algorithm == "HMAC_SHA1" and not _AUTH_TOKEN.fullmatch(key.secret):
            # A common mistake: the secret of a Twilio API key instead of the auth token.
            yield Finding(
                Verdict.WARN,
                f"TWILIO_AUTH_TOKEN: {key.id} does not look like an auth token (32 hexadecimal "
                "digits)",
                "Copy the auth token from the account's page in Twilio's Console. Callbacks are "
                "signed with it, not with an API key's secret.",
            )


def _check_api_keys(settings: Settings) -> Iterator[Finding]:
    for key in settings.api_keys:
        if len(key.secret) < MIN_SECRET_CHARACTERS:
            yield Finding(
                Verdict.WARN,
                f"API_KEYS: the secret of {key.name} has fewer than {MIN_SECRET_CHARACTERS} "
                "characters, so it can be guessed",
                "Make a new secret, for example with `openssl rand -hex 32`, and set it in "
                "API_KEYS.",
            )


def _check_public_url(url: str | None) -> Finding:
    """Check PUBLIC_URL itself; only --send-test shows whether it leads to this service."""
    if url is None:
        return Finding(
            Verdict.WARN,
            "PUBLIC_URL: not set, so it is derived from each request's Host and X-Forwarded-Proto "
            "headers",
            "Set PUBLIC_URL to the origin that Twilio calls, such as https://app.example.com.",
        )
    if url.startswith("http:"):
        return Finding(
            Verdict.WARN,
            f"PUBLIC_URL: {without_credentials(url)} is http, so transcripts are sent unencrypted",
            "Set PUBLIC_URL to an https address, unless this is a test on your own machine.",
        )

    return Finding(Verdict.OK, f"PUBLIC_URL: {without_credentials(url)}")


def _check_accounts(settings: Settings) -> Iterator[Finding]:
    if not settings.accounts:
        yield Finding(
            Verdict.WARN,
            "rejected: no account has its own quota, so requests from strangers can displace "
            "rejected callbacks of your account",
            "Set TWILIO_ACCOUNT_SID to the account's SID, or write ACsid=token in "
            "TWILIO_AUTH_TOKEN or keyId@ACsid=secret in TWILIO_SIGNING_KEYS.",
        )
    account_sid = settings.account_sid
    if account_sid and all(key.account not in {None, account_sid} for key in settings.signing_keys):
        yield Finding(
            Verdict.FAIL,
            "signing keys: each is bound to another account than TWILIO_ACCOUNT_SID, so callbacks "
            "of TWILIO_ACCOUNT_SID are quarantined",
            BIND_TO_OWN_ACCOUNT,
        )
    # A bound API key shows that the accounts must not see each other's jobs.
    accounts = settings.accounts | {key.account for key in settings.api_keys if key.account}
    unbound = [key.id for key in settings.signing_keys if key.account is None]
    if len(accounts) > 1 and unbound:
        yield Finding(
            Verdict.WARN,
            f"signing keys: valid for every account, because bound to none: {', '.join(unbound)}",
            "Bind each signing key to its account: ACsid=token in TWILIO_AUTH_TOKEN, and "
            "keyId@ACsid=secret in TWILIO_SIGNING_KEYS. Otherwise the holder of an unbound key can "
            "change the jobs of all accounts.",
        )


def _check_body_limit(settings: Settings) -> Iterator[Finding]:
    if settings.max_body_bytes < MIN_BODY_LIMIT_BYTES:
        yield Finding(
            Verdict.FAIL,
            f"MAX_BODY_BYTES: {settings.max_body_bytes}, but a callback may have 1 MB",
            "Unset MAX_BODY_BYTES. A callback above this limit is rejected permanently, and its "
            "transcript is lost.",
        )
