"""Fixtures of the tests of `make run`."""

from tests.support.make_run import port, project

__all__ = ["port", "project"]
