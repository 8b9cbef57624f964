"""HLS playlists of a window of segments: full, delta and multivariant."""
