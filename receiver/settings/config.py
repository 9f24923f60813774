"""The settings: read once, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from click import ClickException
from marshmallow import ValidationError

from receiver.settings.environment import Environment
from receiver.settings.keys import ApiKey, SigningKey
from receiver.settings.push_endpoints import PushEndpoint, make_endpoints
from receiver.settings.spool_keys import derive_spool_keys
from receiver.settings.twilio_credentials import Credentials, credentials_of

# Workers x pool size: 20 connections are enough for two releases and a command.
MAX_CONNECTIONS = 8


class ConfigError(ClickException):
    """The environment has invalid settings; the message lists every error.

    A ClickException, so that `flask --app app …` prints the message and exits with 1.
    """


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of the service. The repr is safe to log: it shows no secret."""

    database_url: str = field(repr=False)  # postgresql://…, usually with a password
    signing_keys: tuple[SigningKey, ...]  # at least one
    api_keys: tuple[ApiKey, ...]  # at least one
    account_sid: str | None = None
    public_url: str | None = field(default=None, repr=False)  # no final slash; may contain user:pw@
    public_url_prefixes: tuple[str, ...] = ()  # after public_url, before the callback's path
    cors_origins: tuple[str, ...] = ()  # as browsers write them
    db_pool_size: int = MAX_CONNECTIONS // 2  # connections per worker
    max_body_bytes: int = 2 * 1024 * 1024
    log_level: str = "INFO"
    sentry_dsn: str | None = field(default=None, repr=False)  # errors are sent there
    port: int = 8000
    bind: str | None = None  # host:port or unix:/path, instead of `port` on all addresses
    web_concurrency: int = 2  # worker processes
    spool_dir: Path | None = None  # where callbacks wait for the database
    spool_durable: bool = False  # whether that folder outlives the machine

    search: bool = False  # whether transcripts are indexed and searched

    # For calls to Twilio: the key and its secret, or neither.
    twilio_api_key: str | None = None
    twilio_api_secret: str | None = field(default=None, repr=False)
    twilio_base_url: str | None = None  # instead of Twilio's own hosts; no path, no final slash
    reconcile_grace_seconds: int = 900

    # For how many days what is stored is kept; None: for ever.
    retain_bodies_days: int | None = None
    retain_metadata_days: int | None = None
    retain_audit_days: int = 365
    retain_tombstones_days: int | None = None

    push_endpoints: tuple[PushEndpoint, ...] = ()  # where changes are sent

    @property
    def accounts(self) -> frozenset[str]:
        """The operator's accounts: TWILIO_ACCOUNT_SID, and each that a signing key is bound to."""
        accounts = {self.account_sid, *(key.account for key in self.signing_keys)}

        return frozenset(account for account in accounts if account)

    @property
    def spool_keys(self) -> tuple[bytes, ...]:
        """The keys that seal spooled files; at least one."""
        return derive_spool_keys(self.signing_keys, self.database_url)

    @property
    def twilio_credentials(self) -> tuple[Credentials, ...]:
        """The user names and passwords for calls to Twilio: several during a token's rotation."""
        if self.twilio_api_key and self.twilio_api_secret:
            return ((self.twilio_api_key, self.twilio_api_secret),)
        sid = self.account_sid

        return credentials_of(sid, self.signing_keys) if sid else ()


def load(environ: Mapping[str, str]) -> Settings:
    """Return the settings in `environ`, where a blank variable counts as unset.

    Raises ConfigError with one message that lists all errors.
    """
    given = {name: text.strip() for name, text in environ.items() if text.strip()}
    try:
        values = Environment().load(given)
    except ValidationError as error:
        raise ConfigError(_message(error.messages_dict)) from None
    signing_keys = values.pop("auth_tokens", ()) + values.pop("shared_keys", ())
    endpoints = make_endpoints(values.pop("push_urls", ()), values.pop("push_secrets", ()))
    workers = values.get("web_concurrency", Settings.web_concurrency)
    values.setdefault("db_pool_size", max(1, MAX_CONNECTIONS // workers))

    return Settings(signing_keys=signing_keys, push_endpoints=endpoints, **values)


def variables() -> set[str]:
    """Return the names of all variables that `load` reads."""
    return {str(variable.data_key) for variable in Environment().fields.values()}


def _message(errors: Mapping[str, list[str]]) -> str:
    lines = [f"  {name} {text}." for name, texts in errors.items() for text in texts]

    return "\n".join(["invalid settings, so nothing was started:", *lines])
