"""The errors of single files; each message continues a sentence that begins with "it"."""

from receiver.runtime.errors import ReceiverError


class UnusableFileError(ReceiverError):
    """The file stays in the spool, since another try would end in the same way."""


class CorruptFileError(UnusableFileError):
    """The file can't be decoded."""


class RefusedFileError(UnusableFileError):
    """It isn't proved that the service wrote the file."""
