"""What integration and end-to-end tests drive: the real server, a real publisher, a real browser."""
