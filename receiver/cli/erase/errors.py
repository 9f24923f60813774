"""Reports what ends an erasure too early, and what to do then."""

from collections.abc import Iterator
from contextlib import contextmanager

from receiver.cli.output import CommandError, echo
from receiver.privacy.erase import HeldError, UnknownJobError
from receiver.store.erasure.releases import EarlierReleaseError
from receiver.store.erasure.writers import UnfinishedWriteError

# The exit code of an interrupted command, as shells define it.
_INTERRUPTED = 130


@contextmanager
def report_erasure_errors() -> Iterator[None]:
    """Turn the errors of an erasure into a CommandError, and say what an interruption leaves."""
    try:
        yield
    except KeyboardInterrupt:
        echo(
            "",
            "Interrupted. What was erased until now stays erased. Run the same command again: it "
            "continues, with the same receipt.",
            err=True,
        )
        raise SystemExit(_INTERRUPTED) from None
    except UnknownJobError:
        raise CommandError(
            "there is no such job: none has this id, and no quarantined callback claims it. "
            "Nothing was erased."
        ) from None
    except HeldError as error:
        raise CommandError(
            f"nothing was erased: {error}. See `flask --app app hold list`."
        ) from None
    except EarlierReleaseError as error:
        raise CommandError(f"nothing was erased: {error}.") from error
    except UnfinishedWriteError as error:
        raise CommandError(f"{error}.") from error
