"""Settings: read once from the environment; all faults in one error that prints no value.

A fault tells the variable, what is wrong and how to mend it. Values stay out of it altogether: a
secret pasted into the wrong variable is a secret still.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from click import ClickException
from marshmallow import (
    EXCLUDE,
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates_schema,
)

from receiver.settings.keys import (
    ACCOUNT_SID,
    ApiKey,
    SigningKey,
    api_keys,
    auth_tokens,
    shared_keys,
)
from receiver.settings.twilio_credentials import (
    Credentials,
    api_key,
    api_secret,
    base_url,
    credentials_of,
)
from receiver.settings.urls import CALLBACK_PATH

__all__ = ["ApiKey", "ConfigError", "Settings", "SigningKey", "load", "variables"]

CONNECTIONS = 8  # workers x pool: two releases and a command fit into a 20-connection database
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class ConfigError(ClickException):
    """The environment does not make a Settings; the message lists every fault.

    A ClickException, so that `flask --app app …` prints the message and exits with 1.
    """


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says. The repr is safe to log: it shows no secret."""

    database_url: str = field(repr=False)  # postgresql://…, holds a password as a rule
    signing_keys: tuple[SigningKey, ...]  # at least one
    api_keys: tuple[ApiKey, ...]  # at least one
    account_sid: str | None = None
    public_url: str | None = field(default=None, repr=False)  # no slash ends it; may hold user:pw@
    db_pool_size: int = CONNECTIONS // 2  # connections per worker
    max_body_bytes: int = 2 * 1024 * 1024
    log_level: str = "INFO"
    port: int = 8000
    web_concurrency: int = 2  # worker processes
    spool_dir: Path | None = None  # where callbacks wait for the database
    spool_durable: bool = False  # whether that folder outlives the machine

    # For calls to Twilio: both the key and its secret, or neither.
    twilio_api_key: str | None = None
    twilio_api_secret: str | None = field(default=None, repr=False)
    twilio_base_url: str | None = None  # instead of Twilio's own hosts; no path, no slash ends it
    reconcile_grace_seconds: int = 900

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that are ours: TWILIO_ACCOUNT_SID, and each that a token is bound to."""
        named = {self.account_sid, *(key.account for key in self.signing_keys)}

        return frozenset(account for account in named if account)

    @property
    def twilio_credentials(self) -> Credentials | None:
        """The user name and password for calls to Twilio; None: it can't be called."""
        if self.twilio_api_key and self.twilio_api_secret:
            return self.twilio_api_key, self.twilio_api_secret
        sid = self.account_sid

        return credentials_of(sid, self.signing_keys) if sid else None


def load(environ: Mapping[str, str]) -> Settings:
    """Make the Settings from `environ`, where a blank variable counts as unset.

    Raise ConfigError, one message with all faults.
    """
    given = {name: text.strip() for name, text in environ.items() if text.strip()}
    try:
        settings: Settings = _Environment().load(given)
    except ValidationError as error:
        raise ConfigError(_message(error.messages_dict)) from None

    return settings


def variables() -> set[str]:
    """Return the names of all variables that `load` reads."""
    return {str(variable.data_key) for variable in _Environment().fields.values()}


def _message(faults: Mapping[str, list[str]]) -> str:
    lines = [f"  {name} {fault}." for name, texts in faults.items() for fault in texts]

    return "\n".join(["the settings do not fit, so nothing was started:", *lines])


def _split(text: str) -> SplitResult | None:
    # None: not a URL that every parser reads alike.
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return None
    plain = text.isascii() and text.isprintable() and " " not in text
    one_host = "@" not in url.netloc.partition("@")[2]

    return url if plain and one_host and port != 0 else None


def _database_url(text: str) -> str:
    url = _split(text)
    if not (url and url.scheme in {"postgres", "postgresql"} and url.path.strip("/")):
        raise ValidationError(
            "is not a Postgres URL with a database's name; write "
            "postgresql://user:password@host:5432/database, with / ? # @ : % and blanks in the "
            "password percent-encoded"
        )

    return "postgresql:" + text.partition(":")[2]


def public_url(text: str) -> str:
    """Return the origin that Twilio calls, without a slash at its end, or raise ValidationError."""
    url = _split(text)
    web = text.startswith(("https://", "http://"))
    if not (url and web and url.hostname) or "?" in text or "#" in text:
        raise ValidationError(
            "is not the origin that Twilio calls; write https://app.example.com, and after it at "
            "most a path prefix, no query and no fragment"
        )
    if url.path.rstrip("/").endswith(CALLBACK_PATH):
        raise ValidationError(
            "goes on to the callback's own path; leave /callbacks/transcription out of it"
        )

    return text.rstrip("/")


def _account_sid(text: str) -> str:
    if not ACCOUNT_SID.fullmatch(text):
        raise ValidationError(
            "is not an account SID; write AC and 32 hexadecimal digits in lower case, as Twilio's "
            "Console shows it, or unset it"
        )

    return text


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValidationError(f"is not a log level; write one of {', '.join(LOG_LEVELS)}")

    return text.upper()


def _spool_dir(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValidationError("is not an absolute path; write /var/lib/receiver/spool, or unset it")

    return path


def _number(name: str, *, most: int | None = None) -> fields.Integer:
    fault = f"is not a whole number from 1 {f'to {most}' if most else 'up'}; write one, or unset it"
    between = validate.Range(1, most, error=fault)

    return fields.Integer(data_key=name, validate=between, error_messages={"invalid": fault})


class _Environment(Schema):
    """The variables. A fault continues the sentence that the variable's name begins."""

    class Meta:
        unknown = EXCLUDE

    database_url = fields.Function(
        data_key="DATABASE_URL",
        deserialize=_database_url,
        required=True,
        error_messages={
            "required": "is not set; write postgresql://user:password@host:5432/database"
        },
    )
    auth_tokens = fields.Function(data_key="TWILIO_AUTH_TOKEN", deserialize=auth_tokens)
    shared_keys = fields.Function(data_key="TWILIO_SIGNING_KEYS", deserialize=shared_keys)
    account_sid = fields.Function(data_key="TWILIO_ACCOUNT_SID", deserialize=_account_sid)
    api_keys = fields.Function(
        data_key="API_KEYS",
        deserialize=api_keys,
        required=True,
        error_messages={
            "required": "is not set, so nobody could read; write name:secret, the secret for "
            "instance from `openssl rand -hex 32`"
        },
    )
    public_url = fields.Function(data_key="PUBLIC_URL", deserialize=public_url)
    log_level = fields.Function(data_key="LOG_LEVEL", deserialize=_log_level)
    db_pool_size = _number("DB_POOL_SIZE")
    max_body_bytes = _number("MAX_BODY_BYTES")
    port = _number("PORT", most=65535)
    web_concurrency = _number("WEB_CONCURRENCY")
    spool_dir = fields.Function(data_key="SPOOL_DIR", deserialize=_spool_dir)
    spool_durable = fields.Boolean(
        data_key="SPOOL_DURABLE",
        truthy={"1"},
        falsy={"0"},
        error_messages={"invalid": "is neither 1 nor 0; write 1 for yes, or unset it"},
    )
    twilio_api_key = fields.Function(data_key="TWILIO_API_KEY", deserialize=api_key)
    twilio_api_secret = fields.Function(data_key="TWILIO_API_SECRET", deserialize=api_secret)
    twilio_base_url = fields.Function(data_key="TWILIO_BASE_URL", deserialize=base_url)
    reconcile_grace_seconds = _number("RECONCILE_GRACE_SECONDS")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _can_verify(self, _data: Any, given: Mapping[str, str], **_: Any) -> None:
        if not given.keys() & {"TWILIO_AUTH_TOKEN", "TWILIO_SIGNING_KEYS"}:
            raise ValidationError(
                "is not set, nor is TWILIO_SIGNING_KEYS, so no callback could be verified; "
                "write the account's auth token from Twilio's Console",
                "TWILIO_AUTH_TOKEN",
            )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _can_be_durable(self, data: Any, given: Mapping[str, str], **_: Any) -> None:
        fault = None
        if "SPOOL_DIR" not in given:
            fault = "without SPOOL_DIR; set that to the folder that is durable"
        elif "DYNO" in given:
            fault = "on a Heroku dyno, whose disk goes with it; unset it, or callbacks are lost"
        if fault and data.get("spool_durable"):
            raise ValidationError(f"is 1 {fault}", "SPOOL_DURABLE")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _is_whole(self, _data: Any, given: Mapping[str, str], **_: Any) -> None:
        pair = {"TWILIO_API_KEY", "TWILIO_API_SECRET"}
        for name in sorted(pair - given.keys()) if given.keys() & pair else ():
            raise ValidationError("is not set, but its other half is; set both, or neither", name)

    @post_load
    def _settings(self, data: dict[str, Any], **_: Any) -> Settings:
        signing_keys = data.pop("auth_tokens", ()) + data.pop("shared_keys", ())
        workers = data.setdefault("web_concurrency", Settings.web_concurrency)
        data.setdefault("db_pool_size", max(1, CONNECTIONS // workers))

        return Settings(signing_keys=signing_keys, **data)
