"""HLS playlists as text, by draft-pantos-hls-rfc8216bis."""
