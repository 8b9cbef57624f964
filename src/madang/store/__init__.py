"""Rows, brokers and blobs: implements the ports that the rooms below declare."""
