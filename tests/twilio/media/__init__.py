"""The look at a mediaUrl before paying."""
