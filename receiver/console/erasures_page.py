"""The erasures: who erased what, when, why, and how much of it was found."""

from flask import Response

from receiver.console.page import render
from receiver.store.erasure.receipts import list_receipts
from receiver.web.auth import visible_account
from receiver.web.database import query

MAX_ROWS = 100


def show() -> Response:
    """List the newest erasures."""
    rows = query(list_receipts, limit=MAX_ROWS, account_id=visible_account())

    return render("erasures.html", rows=rows, is_cut=len(rows) == MAX_ROWS)
