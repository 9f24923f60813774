"""Web: what every route shares: API keys, problem documents, responses, a job's view, health."""
