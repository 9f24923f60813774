"""The schema of the environment variables.

Each error text continues a sentence that begins with the variable's name. It says what is wrong and
what to write. It never quotes the value: a secret pasted into the wrong variable is still a secret.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from receiver.settings import push_endpoints, twilio_credentials, values
from receiver.settings.database_url import parse_database_url
from receiver.settings.keys import parse_api_keys, parse_auth_tokens, parse_shared_keys

# A century: more days could be a time that no timestamp can represent.
_MAX_DAYS = 36_500


def _number(name: str, *, maximum: int | None = None) -> fields.Integer:
    limits = f"from 1 to {maximum}" if maximum else "from 1"
    text = f"is not a whole number {limits}; write such a number, or unset it"
    in_range = validate.Range(1, maximum, error=text)

    return fields.Integer(data_key=name, validate=in_range, error_messages={"invalid": text})


def _days(name: str) -> fields.Integer:
    return _number(name, maximum=_MAX_DAYS)


class Environment(Schema):
    """The variables that the service reads. It loads the values of those that are set."""

    class Meta:
        """The other variables belong to other programs."""

        unknown = EXCLUDE

    database_url = fields.Function(
        data_key="DATABASE_URL",
        deserialize=parse_database_url,
        required=True,
        error_messages={
            "required": "is not set; write postgresql://user:password@host:5432/database"
        },
    )
    auth_tokens = fields.Function(data_key="TWILIO_AUTH_TOKEN", deserialize=parse_auth_tokens)
    shared_keys = fields.Function(data_key="TWILIO_SIGNING_KEYS", deserialize=parse_shared_keys)
    account_sid = fields.Function(
        data_key="TWILIO_ACCOUNT_SID", deserialize=twilio_credentials.parse_account_sid
    )
    api_keys = fields.Function(
        data_key="API_KEYS",
        deserialize=parse_api_keys,
        required=True,
        error_messages={
            "required": "is not set, so no client could use the API; write name:secret, and create "
            "the secret, for example, with `openssl rand -hex 32`"
        },
    )
    public_url = fields.Function(data_key="PUBLIC_URL", deserialize=values.parse_public_url)
    public_url_prefixes = fields.Function(
        data_key="PUBLIC_URL_PREFIXES", deserialize=values.parse_url_prefixes
    )
    cors_origins = fields.Function(data_key="CORS_ORIGINS", deserialize=values.parse_cors_origins)
    log_level = fields.Function(data_key="LOG_LEVEL", deserialize=values.parse_log_level)
    sentry_dsn = fields.Function(data_key="SENTRY_DSN", deserialize=values.parse_sentry_dsn)
    db_pool_size = _number("DB_POOL_SIZE")
    max_body_bytes = _number("MAX_BODY_BYTES")
    port = _number("PORT", maximum=65535)
    bind = fields.Function(data_key="BIND", deserialize=values.parse_bind)
    web_concurrency = _number("WEB_CONCURRENCY")
    spool_dir = fields.Function(data_key="SPOOL_DIR", deserialize=values.parse_spool_dir)
    spool_durable = fields.Boolean(
        data_key="SPOOL_DURABLE",
        truthy={"1"},
        falsy={"0"},
        error_messages={"invalid": "is neither 1 nor 0; write 1 for a durable folder, or unset it"},
    )
    search = fields.Boolean(
        data_key="SEARCH",
        truthy={"1"},
        falsy={"0"},
        error_messages={"invalid": "is neither 1 nor 0; write 1 for the search, or unset it"},
    )
    twilio_api_key = fields.Function(
        data_key="TWILIO_API_KEY", deserialize=twilio_credentials.parse_api_key
    )
    twilio_api_secret = fields.Function(
        data_key="TWILIO_API_SECRET", deserialize=twilio_credentials.parse_api_secret
    )
    twilio_base_url = fields.Function(data_key="TWILIO_BASE_URL", deserialize=values.parse_base_url)
    reconcile_grace_seconds = _number("RECONCILE_GRACE_SECONDS")
    retain_bodies_days = _days("RETAIN_BODIES_DAYS")
    retain_metadata_days = _days("RETAIN_METADATA_DAYS")
    retain_audit_days = _days("RETAIN_AUDIT_DAYS")
    retain_tombstones_days = _days("RETAIN_TOMBSTONES_DAYS")
    push_urls = fields.Function(data_key="PUSH_ENDPOINTS", deserialize=push_endpoints.parse_urls)
    push_secrets = fields.Function(
        data_key="PUSH_SECRETS", deserialize=push_endpoints.parse_secrets
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _require_signing_key(self, _data: Any, given: Mapping[str, str], **_: Any) -> None:
        if not given.keys() & {"TWILIO_AUTH_TOKEN", "TWILIO_SIGNING_KEYS"}:
            raise ValidationError(
                "and TWILIO_SIGNING_KEYS are not set, so no callback could be verified; "
                "write the account's auth token from Twilio's Console",
                "TWILIO_AUTH_TOKEN",
            )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _require_durable_folder(self, data: Any, given: Mapping[str, str], **_: Any) -> None:
        if not data.get("spool_durable"):
            return
        if "SPOOL_DIR" not in given:
            text = "is 1 without SPOOL_DIR; set SPOOL_DIR to the durable folder"
            raise ValidationError(text, "SPOOL_DURABLE")
        if "DYNO" in given:
            text = "is 1 on a Heroku dyno, which loses its disk; unset it, or callbacks are lost"
            raise ValidationError(text, "SPOOL_DURABLE")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _require_complete_api_key(self, _data: Any, given: Mapping[str, str], **_: Any) -> None:
        pair = {"TWILIO_API_KEY", "TWILIO_API_SECRET"}
        missing = pair - given.keys()
        if len(missing) == 1:
            [name] = missing
            [other] = pair - missing
            raise ValidationError(f"is not set, but {other} is; set both or none of them", name)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _require_bodies_to_expire_first(
        self, data: Any, given: Mapping[str, str], **_: Any
    ) -> None:
        metadata_days = data.get("retain_metadata_days")
        if metadata_days is None:
            return
        if "RETAIN_BODIES_DAYS" not in given:
            text = (
                "is set without RETAIN_BODIES_DAYS, so bodies would be kept longer than the jobs "
                "they belong to; set RETAIN_BODIES_DAYS to the same number or a smaller one"
            )
            raise ValidationError(text, "RETAIN_METADATA_DAYS")
        if data.get("retain_bodies_days", 0) > metadata_days:
            text = (
                "is smaller than RETAIN_BODIES_DAYS, so bodies would be kept longer than the jobs "
                "they belong to; raise RETAIN_METADATA_DAYS or lower RETAIN_BODIES_DAYS"
            )
            raise ValidationError(text, "RETAIN_METADATA_DAYS")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _require_push_pairs(self, data: Any, given: Mapping[str, str], **_: Any) -> None:
        names = {"push_urls": "PUSH_ENDPOINTS", "push_secrets": "PUSH_SECRETS"}
        if any(variable in given and name not in data for name, variable in names.items()):
            return  # that one has errors of its own
        urls, secrets = (data.get(name, ()) for name in names)
        errors = push_endpoints.pairing_errors(urls, secrets)
        if any(errors):
            raise ValidationError(dict(zip(names.values(), errors, strict=True)))
