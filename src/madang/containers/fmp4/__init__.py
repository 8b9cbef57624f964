"""Fragmented MP4 boxes (ISO/IEC 14496-12, CMAF 23000-19)."""
