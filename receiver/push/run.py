"""Runs a thread for each endpoint, so that one that is slow or down delays no other."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from receiver.changes.feed import FeedUnavailableError
from receiver.push.lease import ClaimLostError
from receiver.push.pusher import Pusher, PushResult
from receiver.runtime.errors import locate
from receiver.store.retry import DatabaseUnavailableError

logger = logging.getLogger(__name__)

# How often an endpoint looks for changes.
LOOK_SECONDS = 1.0
# After an error that isn't the endpoint's.
RECOVERY_SECONDS = 10.0


def push_once(pushers: Sequence[Pusher], *, stop: Callable[[], object]) -> dict[str, PushResult]:
    """Send what is due now; return what was done for each endpoint.

    At Ctrl-C, `stop` is called, which must end the pushers between two attempts.
    """
    with ThreadPoolExecutor(max_workers=len(pushers)) as pool:
        try:
            done = list(pool.map(_push_once, pushers))
        except KeyboardInterrupt:
            stop()
            raise

    return {pusher.name: pushed for pusher, pushed in zip(pushers, done, strict=True)}


def push_forever(
    pushers: Sequence[Pusher],
    *,
    is_stopping: Callable[[], bool],
    sleep: Callable[[float], object],
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Send whatever becomes due, until the process is stopping."""

    def run(pusher: Pusher) -> None:
        while not is_stopping():
            sleep(look_seconds if _push(pusher) else RECOVERY_SECONDS)
        _release(pusher)

    threads = [
        threading.Thread(target=run, args=[pusher], name=pusher.name, daemon=True)
        for pusher in pushers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _push_once(pusher: Pusher) -> PushResult:
    try:
        return pusher.push_due()
    except ClaimLostError:
        return PushResult(is_elsewhere=True)
    except (DatabaseUnavailableError, FeedUnavailableError) as error:
        return PushResult(error=str(error))
    finally:
        _release(pusher)


def _push(pusher: Pusher) -> bool:
    """Send what is due, and log it; return False after an error that isn't the endpoint's."""
    fields = {"endpoint": pusher.name}
    try:
        pushed = pusher.push_due()
    except ClaimLostError as error:
        logger.info("%s", error, extra=fields)
    except (DatabaseUnavailableError, FeedUnavailableError) as error:
        logger.warning("no changes were sent: %s", error, extra=fields)
        return False
    except Exception as error:  # noqa: BLE001 - exiting would only restart the process at once
        logger.error("no changes were sent: %s", locate(error), extra=fields)  # noqa: TRY400 - the text may quote a job
        return False
    else:
        if pushed.delivered:
            logger.info("changes were sent", extra=fields | {"delivered": pushed.delivered})

    return True


def _release(pusher: Pusher) -> None:
    try:
        pusher.release()
    except Exception as error:  # noqa: BLE001 - the lease ends the claim
        logger.warning("a claim was not ended: %s", locate(error), extra={"endpoint": pusher.name})
