"""The Pusher Channels protocol. Empty so far."""
