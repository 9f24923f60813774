"""How a request is authenticated, as the document's security schemes."""

SECURITY_SCHEMES = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The name of an API key as user, its secret as password.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The secret of an API key.",
    },
    "link": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The token of a signed link.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Twilio-Signature",
        "description": "Twilio's signature of the request.",
    },
}

# The values of an operation's `security`.
Security = list[dict[str, list[str]]]
API_KEY: Security = [{"basic": []}, {"bearer": []}]
API_KEY_OR_LINK: Security = [*API_KEY, {"link": []}]
TWILIO_SIGNATURE: Security = [{"signature": []}]
NO_AUTHENTICATION: Security = []
