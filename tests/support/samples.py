"""Twilio's sample documents, the job that they describe, and its account."""

from tests.support.paths import ROOT

_FOLDER = ROOT / "tests" / "samples"
COMPLETED = (_FOLDER / "completed_flat.json").read_bytes()
FAILED = (_FOLDER / "failed_flat.json").read_bytes()
ENVELOPE = (_FOLDER / "fetch_envelope.json").read_bytes()

# The job of COMPLETED and ENVELOPE, and its configuration.
JOB = "voice_transcription_7n7hnd7sf68yfv5re42nvvz7aa"
CONFIGURATION = "voice_transcriptionconfiguration_5pe8jw3ahdmsh7zr06yh4d45x1"
# Also the account of the simulator and of the scripted Twilio.
ACCOUNT = "AC" + "a" * 32
# An account of another customer.
OTHER_ACCOUNT = "AC" + "b" * 32
