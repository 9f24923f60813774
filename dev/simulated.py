"""The Twilio of `make run`, simulated: `python -m dev.simulated PORT CALLBACK_URL`."""

import secrets
import signal
import sys
import threading

from dev.credentials import ACCOUNT_SID, AUTH_TOKEN
from receiver.simulator.faults import Delays
from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator

# In seconds. Slow enough for each step to be seen, and for a lost callback to be missed before its
# transcript is stored in the conversation.
_DELAYS = Delays(pending=0.5, running=1.0, conversation=3.5)


def main(port: int, callback_url: str) -> None:
    """Serve until SIGTERM, and tell on the terminal whatever happens there."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    simulator = Simulator(
        account_sid=ACCOUNT_SID,
        credentials={(ACCOUNT_SID, AUTH_TOKEN)},
        signing_key=AUTH_TOKEN,
        callback_url=callback_url,
        seed=secrets.randbits(32),  # the store remembers the jobs of earlier runs
        delays=_DELAYS,
        log=lambda line: print(f"  Twilio    {line}", flush=True),
    )
    with serve(simulator, port=port):
        over.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
