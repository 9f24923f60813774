"""The console: pages that show people whether transcripts arrive, why not, and what to do."""
