"""The search over transcripts: what is indexed, and how a query is answered."""
