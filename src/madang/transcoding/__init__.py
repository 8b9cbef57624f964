"""Other shapes of a stream: audio codecs, posters, ladders; a rendition is published back to the hub."""
