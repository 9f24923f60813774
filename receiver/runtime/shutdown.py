"""Whether the process is ending, for responses that take longer than its end may."""


class Shutdown:
    """The end of a process: it begins at SIGTERM."""

    def __init__(self) -> None:
        self.has_begun = False

    def begin(self) -> None:
        """Let responses that could go on for long come to an end."""
        self.has_begun = True


# The shutdown of this process. gunicorn's worker begins it, and knows no part of the application.
SHUTDOWN = Shutdown()
