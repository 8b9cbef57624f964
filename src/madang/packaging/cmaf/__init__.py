"""CMAF segments and parts of a stream, and the DVR spool that keeps them."""
