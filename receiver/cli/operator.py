"""Names the person or program that runs a command."""

import os
import pwd


def operator_name() -> str:
    """Return `user:` and the name of the operating system's user, or its number without a name.

    The name of an API key has no colon, so it is never the same. The environment, which the caller
    can change, isn't asked.
    """
    uid = os.getuid()
    try:
        return f"user:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user:{uid}"
