"""WebVTT cues as text."""
