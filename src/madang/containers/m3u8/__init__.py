"""HLS playlists as text (RFC 8216bis)."""
