"""WebVTT cues as text. Empty so far."""
