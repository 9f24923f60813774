"""The measurements: each module asks one question and answers it with a section of the report."""
