"""RTP and RTCP packets (RFC 3550), and how codecs are put into them.

| file | what |
|---|---|
| `packet` | the RTP header with its extensions (RFC 3550, 8285): parse, build |
| `rtcp` | SR, RR, SDES, BYE, NACK, PLI, FIR, REMB, transport-wide feedback |
| `h264`, `h265`, `vp8`, `vp9`, `av1`, `opus` | payload formats: `packetise(frame payload, budget)` gives the payloads of
  one frame, of equal size where the format allows; a `Depacketiser` gives frames back |
| `reorder` | packets of one SSRC in order, with what is missing and to be asked for |
"""
