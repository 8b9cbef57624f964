"""SDP offers and answers (RFC 8866, 8829, 9143), and the fragments of trickle ICE (RFC 8840).

| file | what |
|---|---|
| `words` | formats, extensions, sections, descriptions: what an offer says |
| `parse` | text into words |
| `build` | words into text |
| `candidate` | host candidates (RFC 8839, 6544), told and never read |
| `fragment` | `application/trickle-ice-sdpfrag` |
| `choose` | which of the offered formats carries a codec |
| `answer` | an answer to an offer |
"""
