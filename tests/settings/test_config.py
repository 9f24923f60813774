"""Settings: what the contract allows, what it refuses, and that no value is ever told."""

from pathlib import Path
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.settings.config import ApiKey, ConfigError, Settings, SigningKey, load

SID = "AC" + "0123456789abcdef" * 2
SOUND = {
    "DATABASE_URL": "postgres://user:pass@db.example:5432/calls?sslmode=require",
    "TWILIO_AUTH_TOKEN": "0123456789abcdef" * 2,
    "API_KEYS": "reader:s3cret",
}

plain = st.text(ascii_letters + digits + "-_.~+/", min_size=1, max_size=40)
# Long enough that no ordinary word of a message contains one by chance.
secrets = st.text(ascii_letters + digits, min_size=12, max_size=40).map(lambda text: "zQ9" + text)
variables = [
    "DATABASE_URL",
    "DB_POOL_SIZE",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_SIGNING_KEYS",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_API_KEY",
    "TWILIO_API_SECRET",
    "TWILIO_BASE_URL",
    "RECONCILE_GRACE_SECONDS",
    "PUBLIC_URL",
    "API_KEYS",
    "MAX_BODY_BYTES",
    "PORT",
    "WEB_CONCURRENCY",
    "LOG_LEVEL",
    "SPOOL_DIR",
    "SPOOL_DURABLE",
]


def faults(**changes: str) -> list[str]:
    """Load the sound environment with `changes` and return the message's lines of faults."""
    with pytest.raises(ConfigError) as caught:
        load(SOUND | changes)

    return [line.strip() for line in caught.value.format_message().splitlines()[1:]]


def test_the_required_settings_are_enough() -> None:
    """Everything but the database, one way to verify and one key to read with has a default."""
    assert load(SOUND) == Settings(
        database_url="postgresql://user:pass@db.example:5432/calls?sslmode=require",
        signing_keys=(SigningKey("auth-token-1", SOUND["TWILIO_AUTH_TOKEN"], "HMAC_SHA1"),),
        api_keys=(ApiKey("reader", "s3cret"),),
        public_url=None,
        db_pool_size=4,
        max_body_bytes=2_097_152,
        log_level="INFO",
        port=8000,
        web_concurrency=2,
        spool_dir=None,
        spool_durable=False,
        account_sid=None,
        twilio_api_key=None,
        twilio_api_secret=None,
        twilio_base_url=None,
        reconcile_grace_seconds=900,
    )


def test_all_faults_come_in_one_message() -> None:
    """An empty environment names every variable that is missing, each in a line of its own."""
    with pytest.raises(ConfigError) as caught:
        load({})

    lines = caught.value.format_message().splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["DATABASE_URL", "API_KEYS", "TWILIO_AUTH_TOKEN"]


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_variable_counts_as_unset(blank: str) -> None:
    """What a platform's form leaves empty takes its default."""
    blanks = dict.fromkeys(["PUBLIC_URL", "LOG_LEVEL", "PORT", "TWILIO_SIGNING_KEYS"], blank)

    assert load(SOUND | blanks) == load(SOUND)


def test_the_repr_of_the_settings_holds_no_secret() -> None:
    """Neither a password nor a token, a key's secret or a URL's credentials are in the repr."""
    shown = repr(
        load(
            {
                "DATABASE_URL": "postgres://user:zQ9database@db/calls",
                "TWILIO_AUTH_TOKEN": f"zQ9token,{SID}=zQ9bound",
                "TWILIO_SIGNING_KEYS": "id=zQ9shared",
                "API_KEYS": "reader:zQ9reader,zQ9bare",
                "PUBLIC_URL": "https://user:zQ9callback@app.example",
                "TWILIO_API_KEY": "SK" + SID[2:],
                "TWILIO_API_SECRET": "zQ9api",
            }
        )
    )

    assert "zQ9" not in shown
    assert "reader" in shown


@pytest.mark.parametrize(
    "url",
    [
        "calls",
        "mysql://user:pass@db/calls",
        "postgres://user:pass@db",
        "postgres://user:pass@db/",
        "postgres://user:pa#ss@db/calls",
        "postgres://user:pa@ss@db/calls",
        "postgres://user:pa ss@db/calls",
        "postgres://db:port/calls",
        "postgres://db:0/calls",
        "postgres://[db/calls",
    ],
)
def test_a_database_url_must_name_a_postgres_database(url: str) -> None:
    """A URL of another kind, without a database or with a bare special character is refused."""
    (fault,) = faults(DATABASE_URL=url)

    assert fault.startswith("DATABASE_URL is not a Postgres URL")


@pytest.mark.parametrize(
    "url", ["postgres://db/calls", "postgresql://db/calls", "POSTGRES://db/calls"]
)
def test_both_schemes_of_postgres_are_one(url: str) -> None:
    """`postgres://`, which Heroku sets, becomes `postgresql://`."""
    assert load(SOUND | {"DATABASE_URL": url}).database_url == "postgresql://db/calls"


@pytest.mark.parametrize(
    ("workers", "pool"), [("1", 8), ("2", 4), ("3", 2), ("5", 1), ("8", 1), ("9", 1)]
)
def test_the_pools_of_all_workers_share_eight_connections(workers: str, pool: int) -> None:
    """Unless it is set, the pool is what keeps workers x pool within 8, and never 0."""
    assert load(SOUND | {"WEB_CONCURRENCY": workers}).db_pool_size == pool
    assert load(SOUND | {"WEB_CONCURRENCY": workers, "DB_POOL_SIZE": "7"}).db_pool_size == 7


@pytest.mark.parametrize(
    "name",
    ["DB_POOL_SIZE", "MAX_BODY_BYTES", "PORT", "WEB_CONCURRENCY", "RECONCILE_GRACE_SECONDS"],
)
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "9" * 5000])
def test_a_number_is_a_whole_number_from_one_up(name: str, text: str) -> None:
    """Zero, a negative, a fraction, a word and an absurd length are refused."""
    (fault,) = faults(**{name: text})

    assert fault.startswith(f"{name} is not a whole number from 1")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://app.example", "https://app.example"),
        ("https://app.example/", "https://app.example"),
        ("https://app.example/calls/", "https://app.example/calls"),
        ("http://user:pass@App.example:8080", "http://user:pass@App.example:8080"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_a_public_url_is_kept_as_twilio_calls_it(text: str, url: str) -> None:
    """Only the slash at its end goes: case, port, credentials and IPv6 are what is signed."""
    assert load(SOUND | {"PUBLIC_URL": text}).public_url == url


@pytest.mark.parametrize(
    "text",
    [
        "app.example",
        "//app.example",
        "ftp://app.example",
        "https://",
        "https://app.example?x=1",
        "https://app.example/#x",
        "https://app.example?",
        "https://app.example:99999",
        "https://äpp.example",
        "https://[::1",
        "https://app.example/ calls",
        "https://app.example/callbacks/transcription",
    ],
)
def test_a_public_url_is_an_origin_with_at_most_a_prefix(text: str) -> None:
    """No other scheme, no query, no fragment, and not the whole address of the callback."""
    (fault,) = faults(PUBLIC_URL=text)

    assert fault.startswith("PUBLIC_URL ")


def test_an_account_sid_is_one() -> None:
    """Something else in its place is refused, and by default there is none."""
    assert load(SOUND | {"TWILIO_ACCOUNT_SID": SID}).account_sid == SID
    assert load(SOUND).account_sid is None
    for text in (SID[:-1], SID.upper(), "SK" + SID[2:], SOUND["TWILIO_AUTH_TOKEN"]):
        (fault,) = faults(TWILIO_ACCOUNT_SID=text)
        assert fault.startswith("TWILIO_ACCOUNT_SID is not an account SID")


def test_our_accounts_are_those_that_the_settings_name() -> None:
    """TWILIO_ACCOUNT_SID, and whichever a token is bound to; by default none is."""
    other = "AC" + "0" * 32
    bound = SOUND | {"TWILIO_AUTH_TOKEN": f"zQ9a,{other}=zQ9b"}
    assert load(bound).accounts == {other}
    assert load(bound | {"TWILIO_ACCOUNT_SID": SID}).accounts == {other, SID}
    assert load(SOUND).accounts == set()


def test_log_level_is_read_in_any_case() -> None:
    """`debug` is `DEBUG`, and a level that does not exist is refused."""
    assert load(SOUND | {"LOG_LEVEL": "debug"}).log_level == "DEBUG"
    assert faults(LOG_LEVEL="loud")[0].startswith("LOG_LEVEL is not a log level")


def test_a_spool_is_a_folder_and_a_promise() -> None:
    """The folder alone promises nothing; `1` says that it outlives the machine, `0` that not."""
    spool = {"SPOOL_DIR": "/var/spool/calls"}
    for text, durable in (("", False), ("0", False), ("1", True)):
        settings = load(SOUND | spool | {"SPOOL_DURABLE": text})
        assert settings.spool_dir == Path("/var/spool/calls")
        assert settings.spool_durable is durable


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"SPOOL_DIR": "spool"}, "SPOOL_DIR is not an absolute path"),
        ({"SPOOL_DIR": "~/spool"}, "SPOOL_DIR is not an absolute path"),
        ({"SPOOL_DIR": "/spool", "SPOOL_DURABLE": "yes"}, "SPOOL_DURABLE is neither 1 nor 0"),
        ({"SPOOL_DURABLE": "1"}, "SPOOL_DURABLE is 1 without SPOOL_DIR"),
        (
            {"SPOOL_DIR": "/spool", "SPOOL_DURABLE": "1", "DYNO": "web.1"},
            "SPOOL_DURABLE is 1 on a Heroku dyno",
        ),
    ],
)
def test_a_spool_that_keeps_no_promise_is_refused(changes: dict[str, str], fault: str) -> None:
    """A relative path, another word than 1 or 0, a promise without a folder or on a dyno's disk."""
    (told,) = faults(**changes)

    assert told.startswith(fault)


def test_a_dyno_may_have_a_spool_that_promises_nothing() -> None:
    """Its disk lasts for a database's short absence, and the callback is answered 503."""
    load(SOUND | {"SPOOL_DIR": "/tmp/spool", "SPOOL_DURABLE": "0", "DYNO": "web.1"})


def test_either_kind_of_signing_key_is_enough() -> None:
    """SharedKeys alone do; they are told after the tokens where both are set."""
    shared = SigningKey("CR1", "s=cret=", "HMAC_SHA256")
    alone = {name: SOUND[name] for name in ("DATABASE_URL", "API_KEYS")}

    assert load(alone | {"TWILIO_SIGNING_KEYS": "CR1=s=cret="}).signing_keys == (shared,)
    assert load(SOUND | {"TWILIO_SIGNING_KEYS": "CR1=s=cret="}).signing_keys[1] == shared


def test_a_token_bound_to_an_account_bears_its_sid() -> None:
    """An account may have two tokens, as around a promotion; unbound ones go by their place."""
    settings = load(SOUND | {"TWILIO_AUTH_TOKEN": f"one, {SID}=two ,{SID}=three,four,"})

    assert [(key.id, key.account) for key in settings.signing_keys] == [
        ("auth-token-1", None),
        (SID, SID),
        (SID, SID),
        ("auth-token-4", None),
    ]


@pytest.mark.parametrize(
    ("name", "text", "item"),
    [
        ("TWILIO_AUTH_TOKEN", "AC123=token", "item 1"),
        ("TWILIO_AUTH_TOKEN", f"token,{SID}=", "item 2"),
        ("TWILIO_AUTH_TOKEN", "tok en", "item 1"),
        ("TWILIO_AUTH_TOKEN", ",", "contains only commas"),
        ("TWILIO_SIGNING_KEYS", "secret", "item 1"),
        ("TWILIO_SIGNING_KEYS", "=secret", "item 1"),
        ("TWILIO_SIGNING_KEYS", "id=", "item 1"),
        ("TWILIO_SIGNING_KEYS", "id=one,id=two", "item 2"),
        ("API_KEYS", "name:", "item 1"),
        ("API_KEYS", ":secret", "item 1"),
        ("API_KEYS", "name:secret:read", "item 1"),
        ("API_KEYS", "name:sec:ret:write", "item 1"),
        ("API_KEYS", "secret:write", "item 1"),
        ("API_KEYS", "name:sécret", "item 1"),
        ("API_KEYS", "a:one,a:two", "item 2"),
        ("API_KEYS", "one,two", "item 2"),
        ("API_KEYS", "a:one,b:two,c:one", "item 3"),
        ("API_KEYS", " , ", "contains only commas"),
    ],
)
def test_a_faulty_key_is_named_by_its_place(name: str, text: str, item: str) -> None:
    """A list's fault tells the variable and the item's position, and is told once."""
    (fault,) = faults(**{name: text})

    assert fault.startswith(f"{name} {item}")


@given(st.lists(st.tuples(st.none() | st.just(SID), plain), min_size=1, max_size=5))
def test_auth_tokens_round_trip(tokens: list[tuple[str | None, str]]) -> None:
    """What is written as `token` or `ACsid=token` is read back, in its order."""
    text = " , ".join(f"{sid}={token}" if sid else token for sid, token in tokens)
    keys = load(SOUND | {"TWILIO_AUTH_TOKEN": text}).signing_keys

    assert [(key.account, key.secret) for key in keys] == tokens
    assert {key.algorithm for key in keys} == {"HMAC_SHA1"}


@given(st.dictionaries(plain, plain.map(lambda text: f"{text}=="), min_size=1, max_size=5))
def test_shared_keys_round_trip(pairs: dict[str, str]) -> None:
    """What is written as `keyId=secret` is read back; the secret may hold `=`."""
    text = ",".join(f"{key_id}={secret}" for key_id, secret in pairs.items())
    keys = load(SOUND | {"TWILIO_SIGNING_KEYS": text}).signing_keys[1:]

    assert {key.id: key.secret for key in keys} == pairs
    assert {key.algorithm for key in keys} == {"HMAC_SHA256"}


@given(
    st.lists(
        st.builds(ApiKey, plain, plain.filter("write".__ne__), st.booleans()),
        min_size=1,
        max_size=5,
        unique_by=(lambda key: key.name, lambda key: key.secret),
    )
)
def test_api_keys_round_trip(keys: list[ApiKey]) -> None:
    """What is written as `name:secret` or `name:secret:write` is read back, in its order."""
    text = ", ".join(f"{key.name}:{key.secret}{':write' * key.may_write}" for key in keys)

    assert load(SOUND | {"API_KEYS": text}).api_keys == tuple(keys)


@given(plain)
def test_a_bare_api_key_is_named_default(secret: str) -> None:
    """A generated secret is a valid setting as it stands."""
    assert load(SOUND | {"API_KEYS": secret}).api_keys == (ApiKey("default", secret),)


@given(
    st.lists(secrets, min_size=1, max_size=4),
    st.dictionaries(
        st.sampled_from(variables),
        st.lists(st.sampled_from([",", ":", "=", "/", "@", "?", "#", "://", "AC", " ", "SECRET"])),
    ),
)
def test_no_value_is_ever_told(values: list[str], shapes: dict[str, list[str]]) -> None:
    """Whatever stands in the environment, no error repeats it and no repr shows it."""
    environ = {
        name: values[position % len(values)].join(["", *shape, ""])
        for position, (name, shape) in enumerate(shapes.items())
    }
    with pytest.raises(ConfigError) as caught:
        load(environ)

    assert not any(value in caught.value.format_message() for value in values)
