"""Sends the callbacks of ended jobs: with Twilio's retries, and with injected faults."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from receiver.simulator.clock import Clock, add_seconds
from receiver.simulator.delivery import DeliveryResult
from receiver.simulator.event_log import EventLog
from receiver.simulator.faults import Delays, Faults
from receiver.simulator.job import Job
from receiver.simulator.scheduler import Scheduler
from receiver.simulator.signing import Signer

# Twilio skips larger callbacks (its error 17564).
MAX_BODY_BYTES = 1024 * 1024

Deliver = Callable[[str, bytes, dict[str, str]], DeliveryResult]


@dataclass(frozen=True, kw_only=True)
class CallbackSender:
    """Sends callbacks. A job's seed decides which faults its callback has."""

    scheduler: Scheduler
    clock: Clock
    event_log: EventLog
    signer: Signer
    deliver: Deliver
    faults: Faults
    delays: Delays

    def send(self, job: Job) -> None:
        """Send the job's callback now or later; a fault may lose or duplicate it."""
        if job.callback_url is None:
            return
        body = json.dumps(job.to_callback(), ensure_ascii=False).encode()
        if len(body) > MAX_BODY_BYTES:
            self.event_log.add("skipped", job.id, f"{len(body)} bytes, Twilio's error 17564")
            return
        random = Random(f"{job.seed}:trouble")  # noqa: S311 - no secret
        if random.random() < self.faults.lost:
            self.event_log.add("lost", job.id)
            return
        token = str(uuid.UUID(int=random.getrandbits(128), version=4))
        due_at = self._due_at(job, random)
        self.scheduler.schedule(due_at, lambda: self._deliver(job, body, token, 0))
        if random.random() < self.faults.duplicated:
            self.event_log.add("duplicated", job.id)
            second_due_at = add_seconds(due_at, random.uniform(0, 2))
            self.scheduler.schedule(second_due_at, lambda: self._deliver(job, body, token, 0))

    def _due_at(self, job: Job, random: Random) -> datetime:
        due_at = self.clock.now()
        if random.random() < self.faults.reordered:
            self.event_log.add("reordered", job.id)
            due_at = add_seconds(due_at, random.uniform(0, self.faults.reordered_seconds))
        if random.random() < self.faults.late:
            self.event_log.add("late", job.id)
            due_at = add_seconds(due_at, self.faults.late_seconds)

        return due_at

    def _deliver(self, job: Job, body: bytes, token: str, retry_count: int) -> None:
        """Deliver once, and schedule a retry after a retryable failure: three at most."""
        url, signature_headers = self.signer.sign(job.callback_url or "", body)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": token,
            **signature_headers,
        }
        result = self.deliver(url, body, headers)
        if result.error_code is None:
            self.event_log.add("delivered", job.id, result.response)
        elif result.is_retryable and retry_count < len(self.delays.retries):
            self.event_log.add("retried", job.id, result.response)
            due_at = add_seconds(self.clock.now(), self.delays.retries[retry_count])
            self.scheduler.schedule(
                due_at, lambda: self._deliver(job, body, token, retry_count + 1)
            )
        else:
            detail = f"{result.response}, Twilio's error {result.error_code}"
            self.event_log.add("refused", job.id, detail)
