"""Runs a command as `flask --app app …` does."""

from click.testing import Result
from flask import Flask


def run(app: Flask, *arguments: str, text: str = "") -> Result:
    """Run the command with `text` as its standard input; return its output and exit code."""
    return app.test_cli_runner().invoke(args=list(arguments), input=text)
