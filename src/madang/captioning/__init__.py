"""Speech to cues: a text track that is published back to the hub. Empty so far."""
