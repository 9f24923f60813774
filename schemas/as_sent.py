"""What is returned as Twilio sent it: the schemas describe it to clients, and change nothing.

The members and their types are those of Twilio's description. But nothing here is required, each
member may be null, and a text may have another value than Twilio names: what was sent is not
validated. A generated client would refuse a whole list for one value outside an `enum`.
"""

from typing import Any

from marshmallow import INCLUDE, Schema, fields

from schemas.submission import TYPES


class AsSent(Schema):
    """A part of a job or a transcript. It may have members that aren't described."""

    class Meta:
        """Twilio adds members without notice."""

        unknown = INCLUDE

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:  # noqa: ARG002 - marshmallow's signature
        """Return it as it is."""
        return obj


def _channel() -> fields.Integer:
    return fields.Integer(data_key="audioChannelIndex", allow_none=True)


def _type() -> fields.String:
    text = f"Twilio's values are {', '.join(TYPES)}."

    return fields.String(allow_none=True, metadata={"description": text, "examples": list(TYPES)})


class JobParticipant(AsSent):
    """A participant, as Twilio sent it: who speaks on one channel of the audio."""

    audio_channel_index = _channel()
    type = _type()
    address = fields.String(allow_none=True)
    name = fields.String(allow_none=True, metadata={"description": "The participant's name."})


class Sentence(AsSent):
    """A sentence, as Twilio sent it."""

    audio_channel_index = _channel()
    sentence_index = fields.Integer(
        data_key="sentenceIndex",
        allow_none=True,
        metadata={"description": "The position of the sentence in the transcript, from 0."},
    )
    participant_index = fields.Integer(
        data_key="participantIndex",
        allow_none=True,
        metadata={
            "description": "The position of the speaker in `participants`, from 0; null if unknown."
        },
    )
    start_time_seconds = fields.Float(
        data_key="startTimeSeconds",
        allow_none=True,
        metadata={"description": "When it begins, in seconds from the start of the recording."},
    )
    text = fields.String(allow_none=True, metadata={"description": "What was said."})


class StatusCallback(AsSent):
    """Where Twilio sends the callback, as Twilio sent it."""

    url = fields.String(
        allow_none=True, metadata={"format": "uri", "description": "The URL of the webhook."}
    )
    method = fields.String(
        allow_none=True, metadata={"description": "Always POST.", "examples": ["POST"]}
    )
    events = fields.List(
        fields.String(metadata={"examples": ["COMPLETED"]}),
        allow_none=True,
        metadata={"description": "The statuses of which Twilio sends callbacks."},
    )


class ParticipantDefault(AsSent):
    """The type of a channel's participant if a job names none, as Twilio sent it."""

    audio_channel_index = _channel()
    type = _type()


class ResolvedConfiguration(AsSent):
    """The configuration with which Twilio transcribed a job, as Twilio sent it."""

    transcription_engine = fields.String(
        data_key="transcriptionEngine",
        allow_none=True,
        metadata={"description": "The provider, such as deepgram."},
    )
    speech_model = fields.String(
        data_key="speechModel",
        allow_none=True,
        metadata={"description": "The provider's model, such as nova-3."},
    )
    language = fields.String(
        allow_none=True, metadata={"description": "The language, such as en-US."}
    )
    status_callback = fields.Nested(
        StatusCallback, data_key="transcriptionStatusCallback", allow_none=True
    )
    conversation_configuration_id = fields.String(
        data_key="conversationConfigurationId", allow_none=True
    )
    participant_defaults = fields.List(
        fields.Nested(ParticipantDefault),
        data_key="participantDefaults",
        allow_none=True,
        metadata={"description": "The types of participants that a job doesn't name."},
    )
