"""RTP packets of a stream, rendered once and shared by all who watch by WebRTC.

| file | what |
|---|---|
| `payloads` | a frame of a track as RTP payloads |
| `bundle` | Opus packets joined where a stream has many listeners |
| `rendering` | streams that somebody watches: a log of packets for the picture, and one for the sound |
"""
