"""The endpoints of `push`: how far each has received the feed, and which process sends."""
