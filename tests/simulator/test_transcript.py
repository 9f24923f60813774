"""The generated transcripts: realistic, and equal for equal seeds."""

import json
import re
from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.simulator.communications import render_communications
from receiver.simulator.simulator import Simulator
from receiver.simulator.transcript import generate_transcript
from tests.support.simulator.account import BY_RECORDING, PARTICIPANTS, recording, simulated


@given(st.integers(), st.permutations(PARTICIPANTS))
def test_transcript_is_realistic(seed: int, people: list[dict[str, Any]]) -> None:
    """Two speakers take turns on their own channels, within the recording's duration."""
    sentences, duration = generate_transcript(Random(seed), people)
    starts = [sentence["startTimeSeconds"] for sentence in sentences]
    assert [sentence["sentenceIndex"] for sentence in sentences] == list(range(len(sentences)))
    assert {sentence["participantIndex"] for sentence in sentences} == {0, 1}
    assert starts == sorted(starts)
    assert 2 <= starts[-1] < duration < 8 * 3600
    for sentence in sentences:
        speaker = people[sentence["participantIndex"]]
        assert sentence["audioChannelIndex"] == speaker["audioChannelIndex"]
        assert re.fullmatch(r"[A-Z].*[.?]", sentence["text"])
        assert "{" not in sentence["text"]
    assert people[sentences[0]["participantIndex"]]["type"] == "HUMAN_AGENT"


@pytest.mark.parametrize("seed", range(5))
def test_large_transcript_is_within_the_limits(seed: int) -> None:
    """A large transcript has more than 1 MB of text, in less than Twilio's eight hours."""
    with simulated(seed=seed) as simulator:
        job = simulator.create({**BY_RECORDING, "sourceId": f"RE17564{'0' * 27}"})
        assert len(json.dumps(job.to_callback())) > 1024 * 1024
        assert job.duration_seconds < 8 * 3600


def _all_results(seed: int) -> list[object]:
    with simulated(seed=seed) as simulator:
        documents = [{**BY_RECORDING, "sourceId": recording(number)} for number in range(3)]
        del documents[1]["participants"]
        jobs = [simulator.create(document) for document in documents]
        simulator.finish()
        return [(job.to_callback(), render_communications(job)) for job in jobs]


def test_same_seed_gives_same_results() -> None:
    """Ids, participants, transcripts and times are equal for equal seeds, and differ otherwise."""
    assert _all_results(1) == _all_results(1)
    assert _all_results(1) != _all_results(2)


def test_ids_have_twilios_patterns(simulator: Simulator) -> None:
    """The rule: each kind of id has its pattern."""
    job = simulator.create(BY_RECORDING)
    made = simulator.configurations.create(
        {"configuration": {"conversationConfigurationId": "c"}}, simulator.clock.now()
    )
    assert re.fullmatch("voice_transcription_[0-9a-zA-Z]{26}", job.id)
    assert re.fullmatch("conv_conversation_[a-zA-Z0-9]{26}", job.conversation_id or "")
    for configuration_id in (job.configuration_id, made["id"]):
        assert re.fullmatch("voice_transcriptionconfiguration_[0-9a-z]{26}", configuration_id)
    stored = job.configuration["conversationConfigurationId"]
    assert re.fullmatch("conv_configuration_[a-zA-Z0-9]{26}", stored)


def test_conversation_equals_the_callback(simulator: Simulator) -> None:
    """Each communication has the text, the speaker and the time of one sentence."""
    job = simulator.create(BY_RECORDING)
    simulator.finish()
    assert job.audio_started_at
    for communication, sentence in zip(render_communications(job), job.sentences(), strict=True):
        transcription = communication["content"]["transcription"]
        assert communication["content"]["text"] == sentence["text"]
        assert transcription["channel"] == sentence["audioChannelIndex"] - 1
        assert [word["text"] for word in transcription["words"]] == sentence["text"].split()
        assert (
            communication["author"]["address"]
            == PARTICIPANTS[sentence["participantIndex"]]["address"]
        )
        assert communication["resourceId"] == f"{job.id}{sentence['sentenceIndex']}"
        began = datetime.fromisoformat(transcription["words"][0]["startTime"])
        seconds = (began - job.audio_started_at).total_seconds()
        assert seconds == pytest.approx(sentence["startTimeSeconds"], abs=0.001)
