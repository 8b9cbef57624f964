"""MPEG-DASH manifests of a window of segments: the same segments as HLS, tracks apart."""
