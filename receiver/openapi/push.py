"""The webhook of push: what the endpoints of the settings receive."""

from typing import Any

from receiver.openapi.tags import CHANGES

# The name of the schema in the document.
MESSAGE = "PushMessage"


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "description": description,
        "required": True,
        "schema": {"type": "string"},
    }


_RECEIVE = {
    "operationId": "receiveChange",
    "tags": [CHANGES],
    "summary": "Receive a change at an endpoint of your own",
    "description": "The operator names the endpoints. Messages are signed by Standard Webhooks: "
    "verify them with one of its libraries. A message is sent at least once. Ignore it if you have "
    "one about the same job with a higher `sequence`.",
    "security": [],
    "parameters": [
        _header("webhook-id", "The id of the job's state, the same in each attempt."),
        _header("webhook-timestamp", "When the attempt was made, in seconds since 1970."),
        _header("webhook-signature", "Signatures with each secret, separated by blanks."),
    ],
    "requestBody": {
        "description": "The job that changed, without its transcript.",
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{MESSAGE}"}},
        },
    },
    "responses": {
        "2XX": {"description": "The message is stored."},
        "410": {"description": "Nothing more is sent until the operator resumes the endpoint."},
        "429": {"description": "The message is sent again, not before the time in Retry-After."},
        "default": {"description": "The message is sent again later. Redirects aren't followed."},
    },
}

WEBHOOKS: dict[str, dict[str, Any]] = {"change": {"post": _RECEIVE}}
