"""Web: what the routes share: API keys, problem documents, responses, views of a job, health."""
