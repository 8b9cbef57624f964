"""HLS and LL-HLS playlists over CMAF segments."""
