"""Viewers that come by WHEP: RTP packets to a WebRTC session.

| file | what |
|---|---|
| `choose` | what of a stream goes to who made this offer |
| `pace` | which of several sizes suits a viewer |
| `play` | the door: gate, offer, session, answer; and those who watch |
"""
