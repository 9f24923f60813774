"""Views that their first request imports, so that a worker starts without what is behind them.

It is for what takes long to import and isn't used by all services. Nothing on the way of a callback
is imported like this: an error in such a module fails the requests for its views only.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def on_demand(place: str) -> Callable[..., Any]:
    """Return a function that imports and calls the one at `package.module:name`."""
    module, _, name = place.partition(":")

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), name)(*args, **kwargs)

    call.__name__ = name  # Flask names an endpoint by it

    return call
