"""Effects over the picture: data events with a moment of the stream's wall clock, never pixels."""
