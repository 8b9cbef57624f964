"""Fragmented MP4 (CMAF, ISO/IEC 14496-12 and 23000-19): initialisation segments, fragments, a reader."""
