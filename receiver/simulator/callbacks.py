"""Callbacks: a job that is over is told, by Twilio's rule and the trouble that is asked for."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from receiver.simulator.agenda import Agenda
from receiver.simulator.clock import Clock, after
from receiver.simulator.delivery import Attempt
from receiver.simulator.job import Job
from receiver.simulator.journal import Journal
from receiver.simulator.signing import Signer
from receiver.simulator.trouble import Delays, Trouble

# Above it Twilio skips the callback (its error 17564).
LARGEST_BODY = 1024 * 1024

Post = Callable[[str, bytes, dict[str, str]], Attempt]


@dataclass(frozen=True, kw_only=True)
class Callbacks:
    """Tells of jobs that are over. What goes wrong with a job's callback is settled by its seed."""

    agenda: Agenda
    clock: Clock
    journal: Journal
    signer: Signer
    post: Post
    trouble: Trouble
    delays: Delays

    def tell(self, job: Job) -> None:
        """Send the job's callback, now or later, once or twice, or not at all."""
        if job.callback_url is None:
            return
        body = json.dumps(job.callback(), ensure_ascii=False).encode()
        if len(body) > LARGEST_BODY:
            self.journal.note("skipped", job.id, f"{len(body)} bytes: error 17564")
            return
        random = Random(f"{job.seed}:trouble")  # noqa: S311 - no secret
        if random.random() < self.trouble.lost:
            self.journal.note("lost", job.id)
            return
        token = str(uuid.UUID(int=random.getrandbits(128), version=4))
        due = self._due(job, random)
        self.agenda.at(due, lambda: self._try(job, body, token, 0))
        if random.random() < self.trouble.duplicated:
            self.journal.note("duplicated", job.id)
            again = after(due, random.uniform(0, 2))
            self.agenda.at(again, lambda: self._try(job, body, token, 0))

    def _due(self, job: Job, random: Random) -> datetime:
        due = self.clock.now()
        if random.random() < self.trouble.reordered:
            self.journal.note("reordered", job.id)
            due = after(due, random.uniform(0, self.trouble.reordered_seconds))
        if random.random() < self.trouble.late:
            self.journal.note("late", job.id)
            due = after(due, self.trouble.late_seconds)

        return due

    def _try(self, job: Job, body: bytes, token: str, retries: int) -> None:
        """Try once. Only a lost connection and some answers are tried again, three times."""
        url, signed = self.signer.sign(job.callback_url or "", body)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": token,
            **signed,
        }
        tried = self.post(url, body, headers)
        if tried.code is None:
            self.journal.note("delivered", job.id, tried.said)
        elif tried.again and retries < len(self.delays.retries):
            self.journal.note("retried", job.id, tried.said)
            due = after(self.clock.now(), self.delays.retries[retries])
            self.agenda.at(due, lambda: self._try(job, body, token, retries + 1))
        else:
            self.journal.note("refused", job.id, f"{tried.said}: error {tried.code}")
