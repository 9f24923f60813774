"""What to do about a missing transcript, by what happened to its callback."""

from types import MappingProxyType

# By receiver.web.transcript_state.missing_kind: a title, and the next step.
TITLES = MappingProxyType(
    {
        "callback_never_came": "No callback was received",
        "callback_quarantined": "Its callback is in quarantine",
        "callback_rejected": "A callback was rejected",
        "callback_without_transcript": "The callback had no transcript",
    }
)
STEPS = MappingProxyType(
    {
        "callback_never_came": (
            "Run `flask --app app doctor`: it compares the address that the configuration at "
            "Twilio calls with this service's. If it is another, change it there. A transcript "
            "that Twilio stored in a conversation is fetched by the next `reconcile`; otherwise "
            "`reconcile --resubmit-missing` has the recording transcribed again, which costs money."
        ),
        "callback_quarantined": (
            "The callback is stored, but could not be applied. See why, fix the cause, and replay "
            "it."
        ),
        "callback_rejected": (
            "See which setting would verify the request. If the request is Twilio's, correct that "
            "setting, then run `rejected accept`."
        ),
        "callback_without_transcript": (
            "Twilio's callback had no sentences. A transcript that Twilio stored in a conversation "
            "is fetched by the next `reconcile`; otherwise `reconcile --resubmit-missing` has the "
            "recording transcribed again, which costs money."
        ),
    }
)
