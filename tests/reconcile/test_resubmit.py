"""Submissions without an answer are asked for again; lost transcripts, if wanted, once more."""

import itertools
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text

from receiver.reconcile.report import Report
from receiver.reconcile.resubmit import resubmit_missing
from receiver.reconcile.resume import resume_unanswered
from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Faults
from receiver.store.completeness.figures import completeness
from receiver.store.submissions import intents
from receiver.store.submissions import outbox as store
from receiver.store.submissions.outbox import KeyReusedError, Submission
from receiver.store.tables import submissions
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from schemas.submission import Submission as Request
from schemas.submission import canonical
from tests.support.simulator.account import BY_RECORDING, BY_URL
from tests.support.world import World, world

SILENT = Faults(lost=1)
KEY = "0198c0de-0000-7000-8000-000000000001"


def _intend(here: World, *, minutes_ago: float, key: str = KEY) -> None:
    """Write an intent down as if its submitter had died then."""
    at = here.context.clock() - timedelta(minutes=minutes_ago)
    asked = Submission(
        idempotency_key=key,
        request=canonical(Request().load(BY_RECORDING)),
        submitted_by="reader",
        created_at=at,
        asked_at=at,
    )
    with here.context.engine.connect() as connection:
        store.record_intent(connection, asked)


def _sum(reports: Iterable[Report]) -> Report:
    return sum(reports, Report())


def _posts(here: World) -> int:
    return sum(line.startswith("POST") for line in here.rest.asked)


def _raises(error: Exception) -> Callable[[str], None]:
    def mishap(_path: str) -> None:
        raise error

    return mishap


def test_an_intent_that_was_left_is_asked_for_again(engine: Engine) -> None:
    """The job that its submitter never heard of is known, and there is one of it."""
    with world(engine) as here:
        _intend(here, minutes_ago=5)
        here.rest.create(json.loads(canonical(Request().load(BY_RECORDING))), idempotency_key=KEY)
        report = _sum(resume_unanswered(here.context))
        assert report.resumed == 1
        assert len(here.statuses()) == 1
        assert reconcile(here.context).checked == 1


@pytest.mark.parametrize("minutes_ago", [1, 60 * 25])
def test_an_intent_that_is_young_or_old_is_left_alone(engine: Engine, minutes_ago: float) -> None:
    """Its submitter may still be there; or Twilio may have forgotten the key, and make another."""
    with world(engine) as here:
        _intend(here, minutes_ago=minutes_ago)
        _sum(resume_unanswered(here.context))
        assert _posts(here) == 0


def test_a_left_intent_is_one_reconcilers(engine: Engine) -> None:
    """Another that comes at the same time finds it taken."""
    with world(engine) as here:
        _intend(here, minutes_ago=5)
        with engine.connect() as connection:
            stale = store.find_unanswered(connection, here.context.clock())
        here.rest.mishap = _raises(TwilioUnavailableError("Nobody is there."))
        with pytest.raises(TwilioUnavailableError):
            _sum(resume_unanswered(here.context))
        here.rest.mishap = lambda _path: None
        _sum(resume_unanswered(here.context))
        assert (len(stale), _posts(here)) == (1, 1)
        with engine.connect() as connection:
            assert not intents.claim(connection, stale[0], here.context.clock())


def test_a_left_intent_is_not_kept_alive_by_asking(engine: Engine) -> None:
    """What counts is how long Twilio has known the key at most, not when it was last asked."""
    with world(engine) as here:
        _intend(here, minutes_ago=25 * 60)
        _intend(here, minutes_ago=2 * 60)
        _sum(resume_unanswered(here.context))
        assert _posts(here) == 0


def test_a_pass_asks_for_what_was_left(engine: Engine) -> None:
    """It needs no command of its own."""
    with world(engine) as here:
        _intend(here, minutes_ago=5)
        assert reconcile(here.context).resumed == 1


def test_a_429_leaves_the_intent_to_be_asked_for(engine: Engine) -> None:
    """Nobody else would take it up; a refusal is final."""
    with world(engine) as here:
        _intend(here, minutes_ago=5)
        here.rest.mishap = _raises(TwilioBusyError(1))
        with pytest.raises(TwilioBusyError):
            _sum(resume_unanswered(here.context))
        here.simulator.advance(300)
        here.rest.mishap = _raises(TwilioRefusedError(400, 17533, "Not eligible."))
        report = _sum(resume_unanswered(here.context))
        assert (report.errors, _posts(here)) == (1, 2)
        here.simulator.advance(300)
        _sum(resume_unanswered(here.context))
        assert _posts(here) == 2


@pytest.mark.parametrize(
    "error", [TwilioBusyError(1), TwilioRefusedError(401, 20003, "Authenticate.")]
)
def test_what_was_left_comes_before_all_else(engine: Engine, error: Exception) -> None:
    """A list that Twilio doesn't give lets no intent grow older than its key is known."""
    with world(engine) as here:
        _intend(here, minutes_ago=5)

        def no_list(_path: str) -> None:
            if here.rest.asked[-1].startswith("GET"):
                raise error

        here.rest.mishap = no_list
        report = reconcile(here.context)
        assert (report.resumed, report.fault) == (1, str(error))


def test_what_can_not_be_resumed_keeps_nobody_from_the_list(engine: Engine) -> None:
    """Twilio may be away for submissions alone: that is told, and the rest is done."""
    with world(engine) as here:
        _intend(here, minutes_ago=5)

        def no_submissions(_path: str) -> None:
            if here.rest.asked[-1].startswith("POST"):
                raise TwilioUnavailableError("Twilio answered 500.")

        here.rest.mishap = no_submissions
        report = reconcile(here.context)
        assert report.listed
        assert str(report.fault).endswith("were not resumed: Twilio answered 500.")


def test_refused_credentials_end_the_pass(engine: Engine) -> None:
    """A 401 would be the next one's answer too; the intents stay to be asked for."""
    with world(engine) as here:
        for number in range(2):
            _intend(here, minutes_ago=5, key=f"key-{number}")
        here.rest.mishap = _raises(TwilioRefusedError(401, 20003, "Authenticate."))
        with pytest.raises(TwilioRefusedError):
            _sum(resume_unanswered(here.context))
        assert _posts(here) == 1
        here.rest.mishap = lambda _path: None
        here.simulator.advance(300)
        report = _sum(resume_unanswered(here.context))
        assert report.resumed == 2


def test_a_fault_of_ours_is_one_intents(engine: Engine) -> None:
    """What nobody thought of is counted, and the next one is asked for."""
    with world(engine) as here:
        for number in range(2):
            _intend(here, minutes_ago=5, key=f"key-{number}")
        here.rest.mishap = _raises(RuntimeError("something that nobody thought of"))
        report = _sum(resume_unanswered(here.context))
        assert (report.errors, _posts(here)) == (2, 2)


@pytest.mark.parametrize("status", [400, 403])
def test_another_refusal_is_one_intents(engine: Engine, status: int) -> None:
    """It is counted, and the next one is asked for."""
    with world(engine) as here:
        for number in range(2):
            _intend(here, minutes_ago=5, key=f"key-{number}")
        here.rest.mishap = _raises(TwilioRefusedError(status, 17533, "Not eligible."))
        report = _sum(resume_unanswered(here.context))
        assert (report.errors, _posts(here)) == (2, 2)


def test_nothing_is_submitted_again_unless_it_is_wanted(engine: Engine) -> None:
    """It costs money."""
    with world(engine, faults=SILENT) as here:
        here.create(3, stored=False)
        here.simulator.finish()
        reconcile(here.context)
        assert _posts(here) == 0


def test_a_lost_transcript_is_submitted_again_once(engine: Engine) -> None:
    """Under a key that is written down; the job that comes of it may be lost, but not go on."""
    with world(engine, faults=SILENT) as here:
        lost = here.create(3, stored=False)
        here.simulator.finish()
        assert reconcile(here.context, resubmits=True).resubmitted == 3
        for _ in range(3):
            here.simulator.finish()
            here.simulator.advance(3600)
            reconcile(here.context, resubmits=True)
        assert _posts(here) == 3
        assert len(here.statuses()) == 6
        with engine.connect() as connection:
            keys = set(connection.execute(select(submissions.c.idempotency_key)).scalars())
            figures = completeness(connection, here.context.clock())
        assert keys == {f"resubmit-{job}" for job in lost}
        assert (figures.missing, figures.replaced) == (6, 0)


def test_two_reconcilers_submit_nothing_twice(engine: Engine) -> None:
    """The key is the job's, so that even a second submission is the first one to Twilio."""
    with world(engine, faults=SILENT) as here:
        here.create(stored=False)
        here.simulator.finish()
        reconcile(here.context)
        here.rest.mishap = _raises(TwilioUnavailableError("Nobody is there."))
        reconcile(here.context, resubmits=True)
        here.rest.mishap = lambda _path: None
        here.simulator.advance(600)
        reconcile(here.context, resubmits=True)
        reconcile(here.context, resubmits=True)
        with engine.connect() as connection:
            assert len(connection.execute(select(submissions)).all()) == 1


@pytest.mark.parametrize("error", [TwilioRefusedError(401, 20003, ""), TwilioBusyError(1)])
def test_what_was_refused_for_the_moment_is_submitted_later(
    engine: Engine, error: Exception
) -> None:
    """The pass ends, for the others would be refused too; after an hour it is tried again."""
    with world(engine, faults=SILENT) as here:
        here.create(2, stored=False)
        here.simulator.finish()
        reconcile(here.context)
        here.rest.mishap = _raises(error)
        with pytest.raises(type(error)):
            _sum(resubmit_missing(here.context))
        assert _posts(here) == 1
        here.rest.mishap = lambda _path: None
        report = _sum(resubmit_missing(here.context))
        assert (report.resubmitted, _posts(here)) == (1, 2)
        here.simulator.advance(3601)
        report += _sum(resubmit_missing(here.context))
        assert (report.resubmitted, _posts(here)) == (2, 3)


def test_a_403_is_one_recordings(engine: Engine) -> None:
    """The others are submitted now, and this one later."""
    with world(engine, faults=SILENT) as here:
        here.create(2, stored=False)
        here.simulator.finish()
        reconcile(here.context)

        def forbidden(_path: str) -> None:
            if _posts(here) == 1:
                raise TwilioRefusedError(403, 20003, "Not this one.")

        here.rest.mishap = forbidden
        for expected in ((1, 1), (0, 0)):
            report = _sum(resubmit_missing(here.context))
            assert (report.resubmitted, report.errors) == expected
        here.simulator.advance(3601)
        report = _sum(resubmit_missing(here.context))
        assert report.resubmitted == 1


def test_what_twilio_refuses_for_good_is_submitted_once(engine: Engine) -> None:
    """It is counted, the next one is submitted, and no pass tries it again."""
    with world(engine, faults=SILENT) as here:
        here.create(2, stored=False)
        here.simulator.finish()
        reconcile(here.context)
        here.rest.mishap = _raises(TwilioRefusedError(400, 17533, "Not eligible."))
        for errors in (2, 0):
            report = _sum(resubmit_missing(here.context))
            assert (report.errors, _posts(here)) == (errors, 2)


@pytest.mark.parametrize("answered", [True, False])
def test_two_that_read_the_same_list_share_it(engine: Engine, answered: bool) -> None:  # noqa: FBT001 - pytest's way
    """What the other has come to meanwhile is the other's, whether it has its answer yet or not."""
    with world(engine, faults=SILENT) as here:
        here.create(3, stored=False)
        here.simulator.finish()
        reconcile(here.context)
        ticks = itertools.count()
        now = here.context.clock()
        context = replace(here.context, clock=lambda: now + timedelta(microseconds=next(ticks)))
        others: list[Report] = []

        def another(_path: str) -> None:
            here.rest.mishap = (
                (lambda _path: None) if answered else _raises(TwilioUnavailableError("Gone."))
            )
            with suppress(TwilioUnavailableError):
                others.extend(resubmit_missing(context))
            here.rest.mishap = lambda _path: None

        here.rest.mishap = another
        mine = _sum(resubmit_missing(context))
        assert _posts(here) == 3
        # The one that the other was not answered is left for a pass to resume.
        expected = (1, 2) if answered else (2, 0)
        theirs = _sum(others)
        assert (mine.resubmitted, theirs.resubmitted) == expected
        assert (mine.errors, theirs.errors) == (0, 0)


def test_what_another_asked_for_otherwise_is_passed_over(engine: Engine) -> None:
    """Its key is taken between our look and our asking; the other job's is submitted."""
    with world(engine, faults=SILENT) as here:
        lost = here.create(2, stored=False)
        here.simulator.finish()
        reconcile(here.context)

        def another(_path: str) -> None:
            for job in lost:
                with suppress(KeyReusedError):
                    _intend(here, minutes_ago=0, key=f"resubmit-{job}")

        here.rest.mishap = another
        report = _sum(resubmit_missing(here.context))
        assert (report.resubmitted, report.errors, _posts(here)) == (1, 1, 1)


def test_what_the_second_submission_brought_replaces_the_first(engine: Engine) -> None:
    """The gap is no longer missing, and the figures add up."""
    with world(engine, faults=SILENT) as here:
        here.create(2, stored=False)
        here.simulator.finish()
        reconcile(here.context, resubmits=True)
        with engine.connect() as connection:
            again = connection.execute(select(submissions.c.job_id).limit(1)).scalar_one()
            connection.execute(
                text(
                    "UPDATE transcriptions SET status = 'COMPLETED', sentences = 0,"
                    " transcript_sha256 = '\\x00' WHERE id = :id"
                ),
                {"id": again},
            )
            figures = completeness(connection, here.context.clock())
        assert (figures.completed, figures.with_transcript) == (3, 1)
        assert (figures.missing, figures.replaced, figures.awaiting) == (1, 1, 0)


def test_what_a_conversation_may_give_back_is_not_paid_for(engine: Engine) -> None:
    """As long as it is watched for, the recording isn't submitted again."""
    with world(engine, faults=SILENT) as here:
        here.create()
        here.simulator.advance(5)  # completed, and not stored yet
        assert reconcile(here.context, resubmits=True).resubmitted == 0
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET due_at = NULL, gave_up = 'x'"))
        assert reconcile(here.context, resubmits=True).resubmitted == 1


def test_the_same_is_asked_for(engine: Engine) -> None:
    """Recording or address, configuration, begin and participants are the first job's."""
    with world(engine, faults=SILENT) as here:
        first = here.simulator.create(BY_URL).id
        here.simulator.advance(5)
        reconcile(here.context)
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET due_at = NULL"))
        reconcile(here.context, resubmits=True)
        with engine.connect() as connection:
            row = connection.execute(select(submissions)).one()
        assert row.idempotency_key == f"resubmit-{first}"
        assert json.loads(row.request) == BY_URL


def test_what_cannot_be_asked_for_is_tried_once(engine: Engine) -> None:
    """A participant of a kind that the request doesn't know is no reason to fail for ever."""
    with world(engine, faults=SILENT) as here:
        here.create(stored=False)
        here.simulator.finish()
        reconcile(here.context)
        with engine.connect() as connection:
            connection.execute(
                text("""UPDATE transcriptions SET participants = '[{"audioChannelIndex": 7}]'""")
            )
        assert reconcile(here.context, resubmits=True).errors == 1
        again = reconcile(here.context, resubmits=True)
        assert (again.errors, again.resubmitted, _posts(here)) == (0, 0, 0)
