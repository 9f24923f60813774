"""Development's names and secrets, which are no secrets: they are good on this machine alone."""

AUTH_TOKEN = "dev-auth-token"  # noqa: S105 - known to everybody
API_KEY = ("dev", "dev-secret")  # name and secret; it may write
ACCOUNT_SID = f"AC{'de' * 16}"  # of the simulated account
