"""SRTP key derivation and packet transforms (RFC 3711, RFC 7714)."""
