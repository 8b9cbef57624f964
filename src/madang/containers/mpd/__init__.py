"""MPEG-DASH manifests as text, by ISO/IEC 23009-1."""
