"""The doctor's check of the sequences."""

from sqlalchemy import Engine, text

from receiver.doctor.sequences import check_sequences
from receiver.settings.config import load
from receiver.store.ledger.record import record
from tests.doctor.test_doctor import SOUND, run_doctor
from tests.support.store_events import make_event


def test_lagging_sequence_is_a_warning_with_its_remedy(engine: Engine) -> None:
    """The doctor reports a sequence that lags, and the statement that it prints corrects it."""
    record(engine, make_event({"status": "RUNNING"}, job="a"))
    record(engine, make_event({"status": "RUNNING"}, job="b"))
    with engine.connect() as connection:
        connection.execute(text("SELECT setval(pg_get_serial_sequence('events', 'id'), 1)"))
    sound, output = run_doctor(load(SOUND), engine)
    assert sound
    assert "warn  sequences: they lag behind the ids that are taken (events by 1)" in output
    remedy = check_sequences(engine).remedy.removeprefix("Execute in the database: ")
    with engine.connect() as connection:
        connection.execute(text(remedy))
    assert check_sequences(engine).verdict == "ok"
