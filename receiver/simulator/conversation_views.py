"""The routes of Conversations (v2), which return a stored transcript."""

from typing import Any

from flask import Flask, request

from receiver.simulator.communications import render_communications, render_conversation
from receiver.simulator.errors import api_error
from receiver.simulator.job import Job
from receiver.simulator.pagination import parse_page_request, render_page
from receiver.simulator.simulator import Simulator


def register(app: Flask, simulator: Simulator) -> None:
    """Add the routes to the application."""

    def find_job(conversation_id: str) -> Job:
        job = simulator.job_store.get_by_conversation(conversation_id, simulator.clock.now())
        if job is None:
            raise api_error(20404, "There is no such conversation.")

        return job

    @app.get("/v2/Conversations/<conversation_id>")
    def fetch_conversation(conversation_id: str) -> dict[str, Any]:
        return render_conversation(find_job(conversation_id))

    @app.get("/v2/Conversations/<conversation_id>/Communications")
    def list_communications(conversation_id: str) -> dict[str, Any]:
        return render_page(
            "communications",
            list(enumerate(render_communications(find_job(conversation_id)))),
            parse_page_request(request.args),
            position=lambda item: item[0],
            render=lambda item: item[1],
        )

    @app.get("/v2/Conversations/<conversation_id>/Communications/<communication_id>")
    def fetch_communication(conversation_id: str, communication_id: str) -> dict[str, Any]:
        for communication in render_communications(find_job(conversation_id)):
            if communication["id"] == communication_id:
                return communication

        raise api_error(20404, "There is no such communication.")
