"""Wire formats as pure functions of bytes: no sockets, no clock, no randomness."""
