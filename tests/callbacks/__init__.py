"""The webhook: signature, body, validation, persisting, drain and replay."""
