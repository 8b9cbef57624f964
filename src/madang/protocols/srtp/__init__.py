"""SRTP and SRTCP (RFC 3711) as DTLS-SRTP negotiates them (RFC 5764).

| file | what |
|---|---|
| `profile` | the protection profiles, their keys out of the DTLS exporter, key derivation |
| `window` | packet index and replay window of one SSRC |
| `gcm` | AEAD_AES_128_GCM (RFC 7714): the one that is preferred, by `cryptography` |
| `cm` | AES_CM_128_HMAC_SHA1_80: the one that everybody has, by libsrtp |
"""
