"""The measurements: each module answers one question with a section of the report."""
