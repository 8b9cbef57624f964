"""Viewers that come by HTTP: HLS, DASH, FLV, posters."""
