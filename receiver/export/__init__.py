"""Exports: all jobs of a period with their transcripts, as one stream or as files."""
