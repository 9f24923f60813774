"""The tags: the groups in which a reader, or a generated client, finds the operations."""

TRANSCRIPTIONS = "Transcriptions"
TRANSCRIPTS = "Transcripts"
CALLBACKS = "Callbacks"
COMPLETENESS = "Completeness"
CHANGES = "Changes"
SERVICE = "Service"

TAGS = {
    TRANSCRIPTIONS: "The jobs: list, fetch and submit them, as at Twilio.",
    TRANSCRIPTS: "The transcripts, in four formats.",
    CALLBACKS: "What Twilio sent: receive it, list it, and fetch it byte for byte.",
    COMPLETENESS: "How many transcripts Twilio has completed, and how many are stored.",
    CHANGES: "What is new or different since a client's last request.",
    SERVICE: "The service itself: its health, and this document.",
}
