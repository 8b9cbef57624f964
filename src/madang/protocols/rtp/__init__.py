"""RTP and RTCP packets (RFC 3550), and how codecs are put into them.

| file | what |
|---|---|
| `packet` | the RTP header with its extensions (RFC 3550, 8285): parse, build |
| `rtcp` | SR, RR, SDES, BYE, NACK, PLI, FIR, REMB, transport-wide feedback |
| `assembly` | frames out of the packets of one source |
| `h264`, `h265`, `vp8`, `vp9`, `av1`, `opus` | payload formats: `packetise(frame payload, budget)` gives the
  payloads of one frame, of equal size where the format allows; an `assembly.Format` takes them apart |
| `formats` | the payload format of each codec |
"""
