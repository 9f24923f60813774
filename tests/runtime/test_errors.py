"""Tests of the descriptions of errors for the log."""

import ast
import builtins
import re

import pytest

from receiver.runtime.errors import SafeMessageError, describe, locate
from receiver.signatures.form import MAX_FIELDS, signed_fields
from receiver.signatures.matching import SignatureError
from receiver.signatures.signature import SignedRequest, authenticate
from tests.support.paths import ROOT

# The simulator imports nothing of ours, and the settings nothing of the runtime.
WITHOUT_BASE = {"ReceiverError", "ApiError", "ConfigError"}


def test_library_error_names_our_line_too() -> None:
    """An error that a library raises is located in the library and in the line that called it."""
    with pytest.raises(ValueError, match="fields") as raised:
        signed_fields(b"a&" * (MAX_FIELDS + 1))
    located = locate(raised.value)
    assert re.fullmatch(
        r"ValueError in .+/urllib/parse\.py:\d+, called in .+/signatures/form\.py:\d+", located
    )


def test_error_of_our_code_names_one_line() -> None:
    """An error that our own code raises is located in one line only."""
    with pytest.raises(SignatureError) as raised:
        authenticate(SignedRequest("https://app.example.com", None, None, None), [])
    located = locate(raised.value)
    assert re.fullmatch(r"SignatureError in .+/signatures/signature\.py:\d+", located)


def test_safe_message_is_shown() -> None:
    """The text of a SafeMessageError is shown, because it is the service's own."""
    assert locate(SafeMessageError("no answer within 3 s")) == "no answer within 3 s"


def test_unraised_error_has_no_location() -> None:
    """An error that was not raised is described by its class alone."""
    assert locate(KeyError("Jane")) == describe(KeyError("Jane")) == "KeyError"


def test_own_errors_have_a_common_base() -> None:
    """Each of the service's own errors is a ReceiverError."""
    classes = [
        node
        for path in (ROOT / "receiver").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    ]
    foreign = {*vars(builtins), "ClickException"}
    without_base = {
        each.name
        for each in classes
        if all(ast.unparse(base).rpartition(".")[2] in foreign for base in each.bases)
    }
    assert without_base == WITHOUT_BASE
