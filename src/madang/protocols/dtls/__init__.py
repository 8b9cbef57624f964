"""DTLS 1.2 (RFC 6347) behind its handshake, which is OpenSSL's.

| file | what |
|---|---|
| `record` | records of a datagram |
| `alerts` | what both sides have left to say: sealed alerts, by keys that OpenSSL has agreed on |
"""
