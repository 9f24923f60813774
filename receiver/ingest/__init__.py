"""The way in: signature, judgement, record, answer."""
