"""Conversations (v2): the routes that lead to a stored transcript."""

from typing import Any

from flask import Flask, request

from receiver.simulator.communications import communications, conversation
from receiver.simulator.job import Job
from receiver.simulator.listing import page, place_of
from receiver.simulator.problem import refusal
from receiver.simulator.simulator import Simulator


def register(app: Flask, simulator: Simulator) -> None:
    """Give the application its routes."""

    def known(conversation_id: str) -> Job:
        job = simulator.memory.conversation(conversation_id, simulator.clock.now())
        if job is None:
            raise refusal(20404, "There is no such conversation.")

        return job

    @app.get("/v2/Conversations/<conversation_id>")
    def fetch_conversation(conversation_id: str) -> dict[str, Any]:
        return conversation(known(conversation_id))

    @app.get("/v2/Conversations/<conversation_id>/Communications")
    def list_communications(conversation_id: str) -> dict[str, Any]:
        return page(
            "communications",
            list(enumerate(communications(known(conversation_id)))),
            place_of(request.args),
            position=lambda row: row[0],
            shown=lambda row: row[1],
        )

    @app.get("/v2/Conversations/<conversation_id>/Communications/<communication_id>")
    def fetch_communication(conversation_id: str, communication_id: str) -> dict[str, Any]:
        for each in communications(known(conversation_id)):
            if each["id"] == communication_id:
                return each

        raise refusal(20404, "There is no such communication.")
