"""Tests of the settings that name keys and accounts."""

from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.settings.config import load
from receiver.settings.keys import ApiKey, SigningKey, bound_account
from tests.support.config import SID, VALID, config_errors

WORDS = st.text(ascii_letters + digits + "-_.~+/", min_size=1, max_size=40)


def test_invalid_account_sid_is_rejected() -> None:
    """An account SID is optional, and any other text in its place is rejected."""
    assert load(VALID | {"TWILIO_ACCOUNT_SID": SID}).account_sid == SID
    assert load(VALID).account_sid is None
    for text in (SID[:-1], SID.upper(), "SK" + SID[2:], VALID["TWILIO_AUTH_TOKEN"]):
        (error,) = config_errors(TWILIO_ACCOUNT_SID=text)
        assert error.startswith("TWILIO_ACCOUNT_SID is not an account SID")


def test_accounts_are_those_in_the_settings() -> None:
    """The accounts are TWILIO_ACCOUNT_SID and those to which tokens or SharedKeys are bound."""
    other = "AC" + "0" * 32
    bound = VALID | {"TWILIO_AUTH_TOKEN": f"zQ9a,{other}=zQ9b"}
    assert load(bound).accounts == {other}
    assert load(bound | {"TWILIO_ACCOUNT_SID": SID}).accounts == {other, SID}
    assert load(bound | {"TWILIO_SIGNING_KEYS": f"CR1@{SID}=x"}).accounts == {other, SID}
    assert load(VALID).accounts == set()


def test_either_kind_of_signing_key_is_enough() -> None:
    """SharedKeys are enough without a token, and follow the tokens if both are set."""
    shared = SigningKey("CR1", "s=cret=", "HMAC_SHA256")
    without_token = {name: VALID[name] for name in ("DATABASE_URL", "API_KEYS")}

    assert load(without_token | {"TWILIO_SIGNING_KEYS": "CR1=s=cret="}).signing_keys == (shared,)
    assert load(VALID | {"TWILIO_SIGNING_KEYS": "CR1=s=cret="}).signing_keys[1] == shared


def test_bound_token_has_the_account_sid_as_id() -> None:
    """A bound token's id is its account's SID, and an unbound token's id is its position."""
    settings = load(VALID | {"TWILIO_AUTH_TOKEN": f"one, {SID}=two ,{SID}=three,four,"})

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
        ("TWILIO_SIGNING_KEYS", f"id=one,id@{SID}=two", "item 2"),
        ("TWILIO_SIGNING_KEYS", "id@AC123=secret", "item 1"),
        ("TWILIO_SIGNING_KEYS", f"id@{SID.upper()}=secret", "item 1"),
        ("TWILIO_SIGNING_KEYS", f"@{SID}=secret", "item 1"),
        ("TWILIO_SIGNING_KEYS", f"id@{SID}=", "item 1"),
        ("API_KEYS", "name:", "item 1"),
        ("API_KEYS", ":secret", "item 1"),
        ("API_KEYS", "name:secret:read", "item 1"),
        ("API_KEYS", "name:secret:write+read", "item 1"),
        ("API_KEYS", "name:secret:write+", "item 1"),
        ("API_KEYS", "name@AC123:secret", "item 1"),
        ("API_KEYS", f"name@{SID.upper()}:secret:write", "item 1"),
        ("API_KEYS", "me@example.com:secret", "item 1"),
        ("API_KEYS", f"@{SID}:secret", "item 1"),
        ("API_KEYS", f"name@{SID}", "item 1"),
        ("API_KEYS", f"a:one,a@{SID}:two", "item 2"),
        ("API_KEYS", "name:sec:ret:write", "item 1"),
        ("API_KEYS", "secret:write", "item 1"),
        ("API_KEYS", "name:sécret", "item 1"),
        ("API_KEYS", "a:one,a:two", "item 2"),
        ("API_KEYS", "one,two", "item 2"),
        ("API_KEYS", "a:one,b:two,c:one", "item 3"),
        ("API_KEYS", " , ", "contains only commas"),
    ],
)
def test_invalid_item_is_named_by_its_position(name: str, text: str, item: str) -> None:
    """An invalid item of a list is reported once, by its variable and position."""
    (error,) = config_errors(**{name: text})

    assert error.startswith(f"{name} {item}")


@given(st.lists(st.tuples(st.none() | st.just(SID), WORDS), min_size=1, max_size=5))
def test_auth_tokens_are_parsed(tokens: list[tuple[str | None, str]]) -> None:
    """Tokens written as `token` or `ACsid=token` are read back in their order."""
    text = " , ".join(f"{sid}={token}" if sid else token for sid, token in tokens)
    keys = load(VALID | {"TWILIO_AUTH_TOKEN": text}).signing_keys

    assert [(key.account, key.secret) for key in keys] == tokens
    assert {key.algorithm for key in keys} == {"HMAC_SHA1"}


@given(
    st.dictionaries(
        WORDS, st.tuples(st.none() | st.just(SID), WORDS.map(lambda text: f"{text}=@=")), min_size=1
    )
)
def test_shared_keys_are_parsed(pairs: dict[str, tuple[str | None, str]]) -> None:
    """SharedKeys written as `keyId=secret` or `keyId@ACsid=secret` are read back."""
    text = ",".join(
        f"{key_id}@{sid}={secret}" if sid else f"{key_id}={secret}"
        for key_id, (sid, secret) in pairs.items()
    )
    keys = load(VALID | {"TWILIO_SIGNING_KEYS": text}).signing_keys[1:]

    assert {key.id: (key.account, key.secret) for key in keys} == pairs
    assert {key.algorithm for key in keys} == {"HMAC_SHA256"}


@given(WORDS, WORDS)
def test_stored_id_names_the_account_of_a_bound_key(key_id: str, secret: str) -> None:
    """The stored id of a bound SharedKey or token names its account, that of another key none."""
    bound = f"{key_id}@{SID}={secret}"
    settings = load(VALID | {"TWILIO_AUTH_TOKEN": f"{SID}=x,y", "TWILIO_SIGNING_KEYS": bound})
    stored_ids = [key.stored_id for key in settings.signing_keys]
    assert stored_ids == [SID, "auth-token-2", f"{key_id}@{SID}"]
    assert list(map(bound_account, [*stored_ids, key_id, None])) == [SID, None, SID, None, None]


@given(
    st.lists(
        st.builds(
            ApiKey,
            WORDS,
            WORDS.filter("write".__ne__),
            st.sampled_from([frozenset(), frozenset({"write"})]),
            st.none() | st.just(SID),
        ),
        min_size=1,
        max_size=5,
        unique_by=(lambda key: key.name, lambda key: key.secret),
    )
)
def test_api_keys_are_parsed(keys: list[ApiKey]) -> None:
    """API keys written as `name[@ACsid]:secret[:scopes]` are read back in their order."""
    text = ", ".join(
        f"{key.name}{f'@{key.account}' if key.account else ''}:{key.secret}"
        f"{''.join(f':{scope}' for scope in key.scopes)}"
        for key in keys
    )

    assert load(VALID | {"API_KEYS": text}).api_keys == tuple(keys)


def test_scopes_are_separated_by_plus_signs() -> None:
    """A scope may be repeated, and an unknown one is an error that names the known ones."""
    settings = load(VALID | {"API_KEYS": "name:secret:write+erase+metrics+write"})
    assert [key.scopes for key in settings.api_keys] == [{"write", "erase", "metrics"}]
    (error,) = config_errors(API_KEYS="name:secret:write+delete")
    assert "the known scopes are: write, erase, console, metrics " in error
    assert "delete" not in error


@given(WORDS)
def test_api_key_without_name_is_named_default(secret: str) -> None:
    """An API key without a name, such as a generated secret, is named `default`."""
    assert load(VALID | {"API_KEYS": secret}).api_keys == (ApiKey("default", secret),)
