"""Names and secrets for development. They are public and work only on this machine."""

AUTH_TOKEN = "dev-auth-token"  # noqa: S105 - public
API_KEY = ("dev", "dev-secret")  # name and secret; it has every scope
ACCOUNT_SID = f"AC{'de' * 16}"  # of the simulated account
SIGN_IN_PATH = "/dev"  # of the page that signs in to the console, see dev.web
