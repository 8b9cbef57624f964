"""What codecs write into their parameter sets and access units; one registry row per codec."""
