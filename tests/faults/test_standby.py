"""Tests of a synchronous standby that is missing, so that no commit ends."""

from tests.faults.test_postgres_hangs import count_connections
from tests.support.faults.callbacks import callback
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import POOLED_IN_LONG_PROFILE
from tests.support.faults.sender import make_sender
from tests.support.standby import count_waiting_commits, missing_standby
from tests.support.waiting import wait_until

CONNECTION_COUNT = 2


@POOLED_IN_LONG_PROFILE
def test_missing_standby_takes_no_more_connections(deployment: Deployment) -> None:
    """Callbacks get a 503 while the standby is missing, over no more connections than the pool's.

    A commit that waits for a standby doesn't notice that its client has left.
    """
    counts = []
    with (
        deployment.serve({"request_seconds": 1}, DB_POOL_SIZE=str(CONNECTION_COUNT)) as web,
        make_sender(web) as sender,
    ):
        sender.burst([callback(0)])
        with missing_standby(deployment.database):
            for number in range(1, 13):
                sender.send(callback(number))
            wait_until(lambda: count_waiting_commits(deployment.database) > 0)

            def are_answered() -> bool:
                counts.append(count_connections(deployment))

                return all(delivery.answers for delivery in sender.deliveries)

            wait_until(are_answered)
        first = [delivery.answers[0] for delivery in sender.deliveries]
        assert first == [204] + [503] * 12
        assert max(counts) <= CONNECTION_COUNT
    deployment.check_stored("the synchronous standby missing", sender.deliveries, all_stored=True)
