"""The index of the transcripts' words: written from the change feed, read by the search."""
