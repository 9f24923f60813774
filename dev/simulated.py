"""The simulated Twilio of `make run`: `python -m dev.simulated PORT CALLBACK_URL`."""

import secrets
import signal
import sys
import threading

from dev.credentials import ACCOUNT_SID, AUTH_TOKEN
from receiver.simulator.faults import Delays
from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator

# Slow enough to watch each step. A lost callback must count as missing before the transcript is
# stored in the conversation.
_DELAYS = Delays(pending=0.5, running=1.0, conversation=3.5)


def main(port: int, callback_url: str) -> None:
    """Serve until SIGTERM, and print each event."""
    is_stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_stopped.set())
    simulator = Simulator(
        account_sid=ACCOUNT_SID,
        credentials={(ACCOUNT_SID, AUTH_TOKEN)},
        signing_key=AUTH_TOKEN,
        callback_url=callback_url,
        seed=secrets.randbits(32),  # new job ids: the database contains those of earlier runs
        delays=_DELAYS,
        log=lambda line: print(f"  Twilio    {line}", flush=True),
    )
    with serve(simulator, port=port):
        is_stopped.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
