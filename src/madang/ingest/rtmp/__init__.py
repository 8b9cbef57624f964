"""An RTMP publisher: messages of its connection become frames of a stream."""
