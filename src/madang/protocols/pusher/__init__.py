"""The Pusher Channels protocol."""
