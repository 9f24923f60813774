"""The webhook: signature, validation, persistence and response."""
