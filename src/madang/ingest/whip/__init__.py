"""A WHIP publisher: RTP of its session becomes frames of a stream.

| file | what |
|---|---|
| `door` | the gate, the registry, the offer and its answer |
| `session` | one publisher from its answer to its end |
| `intake` | packets of its sources become tracks and frames |
| `lane` | one source: its packets, its clock |
| `layers` | simulcast: which of its pictures is taken |
"""
