"""The peer from the tutorials: Flask, Flask-SQLAlchemy, a full schema, Twilio's own validator.

It follows the quick starts of Flask-SQLAlchemy and marshmallow, and Twilio's "Secure your Flask
app". What these leave open is decided in its favor: the transcript is one JSON column of the job,
not a row per sentence, and it is read only when it is requested.
`python -m bench.peers.tutorial` makes the table.
"""

import os
from datetime import datetime
from typing import Any

from flask import Flask, Response, abort, request
from flask_sqlalchemy import SQLAlchemy
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from sqlalchemy import JSON, DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from twilio.request_validator import RequestValidator


class _Base(DeclarativeBase):
    pass


app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"].replace(
    "postgresql://", "postgresql+psycopg://"
)
db = SQLAlchemy(app, model_class=_Base)
validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])


class Transcription(db.Model):  # type: ignore[name-defined]
    """A job, with its transcript."""

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    configuration_id: Mapped[str | None]
    source_id: Mapped[str | None]
    duration: Mapped[int | None]
    participants: Mapped[list[Any]] = mapped_column(JSON)
    sentences: Mapped[list[Any]] = mapped_column(JSON, deferred=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ParticipantSchema(Schema):
    """Who speaks."""

    class Meta:
        """New members appear without notice."""

        unknown = EXCLUDE

    audio_channel_index = fields.Integer(data_key="audioChannelIndex", required=True)
    type = fields.String(validate=validate.OneOf(["CUSTOMER", "HUMAN_AGENT", "AI_AGENT"]))
    name = fields.String(allow_none=True)
    address = fields.String(allow_none=True)


class SentenceSchema(Schema):
    """What is said."""

    class Meta:
        """New members appear without notice."""

        unknown = EXCLUDE

    audio_channel_index = fields.Integer(data_key="audioChannelIndex", required=True)
    sentence_index = fields.Integer(data_key="sentenceIndex", required=True)
    participant_index = fields.Integer(data_key="participantIndex", allow_none=True)
    start_time = fields.Float(data_key="startTimeSeconds")
    text = fields.String(required=True)


class TranscriptionSchema(Schema):
    """The callback, and the job in responses."""

    class Meta:
        """New members appear without notice."""

        unknown = EXCLUDE

    id = fields.String(required=True, validate=validate.Length(max=128))
    account_id = fields.String(data_key="accountId", required=True)
    status = fields.String(required=True)
    configuration_id = fields.String(data_key="transcriptionConfigurationId", allow_none=True)
    source_id = fields.String(data_key="sourceId", allow_none=True)
    duration = fields.Integer(allow_none=True)
    participants = fields.List(fields.Nested(ParticipantSchema), required=True)
    sentences = fields.List(fields.Nested(SentenceSchema), required=True, load_only=True)
    created_at = fields.AwareDateTime(data_key="createdAt", required=True)
    updated_at = fields.AwareDateTime(data_key="updatedAt", required=True)


schema = TranscriptionSchema()


@app.post("/callbacks/transcription")
def receive() -> Response:
    """Receive a callback."""
    signature = request.headers.get("X-Twilio-Signature", "")
    if not validator.validate(request.url, request.get_data(as_text=True), signature):
        abort(403)
    try:
        data = schema.load(request.get_json())
    except ValidationError:
        abort(400)
    transcription = db.session.get(Transcription, data["id"])
    if transcription is None:
        transcription = Transcription(id=data["id"])
        db.session.add(transcription)
    for name, value in data.items():
        setattr(transcription, name, value)
    db.session.commit()

    return Response(status=204)


@app.get("/v3/Transcriptions/<job_id>")
def fetch(job_id: str) -> dict[str, Any]:
    """Fetch one job."""
    transcription = db.get_or_404(Transcription, job_id)
    document: dict[str, Any] = schema.dump(transcription)

    return document


@app.get("/healthz")
def healthz() -> str:
    """Report that the process is up."""
    return "ok"


if __name__ == "__main__":
    with app.app_context():
        db.create_all()
