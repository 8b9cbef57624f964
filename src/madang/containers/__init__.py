"""Files and their parts as pure functions of bytes."""
