"""Answers `/`: what this is, and where to look."""

from flask import Blueprint, Response

# Relative references: a proxy may strip a prefix.
_TEXT = """\
Transcription receiver: stores the results of Twilio's Batch Transcription.

openapi.json       describes the API
v3/Transcriptions  the jobs and their transcripts; needs an API key
console/           shows people the jobs, their transcripts, and what is missing
metrics            for Prometheus; needs an API key
healthz, readyz    whether the process responds, and whether it can store callbacks
"""

blueprint = Blueprint("index", __name__)


@blueprint.get("/")
def index() -> Response:
    """Answer with a text for people, without authentication: it contains nothing of the jobs."""
    return Response(_TEXT, mimetype="text/plain")
