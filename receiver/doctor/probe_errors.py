"""Explains an unexpected response from this service's public address."""

from http import HTTPStatus

from receiver.doctor.probe import Answer, CredentialRejectedError, ProbeError

_IN_FRONT = (
    "Let requests from Twilio through: they are rejected by something in front of this service, "
    "such as a login page, a firewall or an address list."
)
_NOT_HERE = (
    "Correct PUBLIC_URL: another application answers there, or its path prefix is not the one that "
    "the proxy strips or passes on."
)
# For a response that this service didn't send, or never sends from this address.
_REMEDIES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: _IN_FRONT,
    HTTPStatus.FORBIDDEN: _IN_FRONT,
    HTTPStatus.NOT_FOUND: _NOT_HERE,
    HTTPStatus.METHOD_NOT_ALLOWED: _NOT_HERE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "Raise MAX_BODY_BYTES, or the limit of the proxy, to 1 MB or more."
    ),
}


def explain(answer: Answer, *, credential_remedy: str) -> ProbeError:
    """Return the error for an unexpected answer.

    `credential_remedy` is what to do if this service itself answered 401 or 403.
    """
    text = f"answered {answer.status}" + (f" ({answer.problem!a})" if answer.problem else "")
    if answer.problem and answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return CredentialRejectedError(text, credential_remedy)

    return ProbeError(text, _remedy(answer))


def _remedy(answer: Answer) -> str:
    if answer.location:
        return (
            f"Set PUBLIC_URL to the target of the redirect, {answer.location!a}, without the path, "
            "and change the callback URL at Twilio too: the signature covers the URL that Twilio "
            "calls first (Twilio's error 17584)."
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "Read the log of the web process, or of the proxy if the web process logged nothing."

    return _REMEDIES.get(
        answer.status, "Correct PUBLIC_URL: something other than this service answers there."
    )
