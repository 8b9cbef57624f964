"""STUN (RFC 8489) as far as an ICE-lite agent needs it (RFC 8445): binding requests in, answers out.

| file | what |
|---|---|
| `message` | attributes, MESSAGE-INTEGRITY, FINGERPRINT: parse, build, check |
| `binding` | a connectivity check: what it says, whether it is genuine, and the answers to it |
"""
