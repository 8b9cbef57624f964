"""The secret of the data directory and what is made with it: lookups, seals, and the play tokens' key."""

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from madang.base.errors import Bug

_SECRET_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """Each purpose has a key of its own, derived from the one secret."""

    def __init__(self, secret: bytes, entropy: Callable[[int], bytes]) -> None:
        if len(secret) < _SECRET_BYTES:
            raise Bug("the secret is too short")
        self._secret = secret
        self._entropy = entropy

    def __repr__(self) -> str:
        return "Vault(***)"

    def key(self, purpose: str) -> bytes:
        """The 32-byte key of a purpose."""
        return hmac.digest(self._secret, b"madang " + purpose.encode(), hashlib.sha256)

    def digest(self, purpose: str, value: str) -> str:
        """HMAC-SHA256 of a value, in hex: what it is looked up by; useless without the secret."""
        return hmac.new(self.key(purpose), value.encode(), hashlib.sha256).hexdigest()

    def seal(self, text: bytes, bound_to: str) -> bytes:
        """`text` under AES-256-GCM; it opens only together with `bound_to`, so rows cannot be swapped."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self._entropy(_NONCE_BYTES)
        return nonce + AESGCM(self.key("seal")).encrypt(nonce, text, bound_to.encode())

    def unseal(self, sealed: bytes, bound_to: str) -> bytes:
        """The sealed text; Bug when the secret is not the one it was sealed with."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self.key("seal")).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode()
            )
        except InvalidTag as error:
            raise Bug("sealed with another secret") from error


class SecretError(Exception):
    """The secret file cannot be used; the text is one sentence for the operator."""


def load_secret(path: Path, entropy: Callable[[int], bytes]) -> bytes:
    """The secret in `path` (0600), made at the first start; two processes that start at once agree on one.

    Raises SecretError: a file that is damaged or out of reach is never replaced."""
    try:
        if not path.exists():
            _make_secret(path, entropy)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        secret = bytes.fromhex(path.read_text().strip())
    except OSError as error:
        raise SecretError(f"{path} cannot be used: {error.strerror}.") from None
    except ValueError:
        secret = b""
    if len(secret) < _SECRET_BYTES:
        raise SecretError(f"{path} is damaged: bring it back from a backup.")
    return secret


def _make_secret(path: Path, entropy: Callable[[int], bytes]) -> None:
    """Written aside and linked: whole or not there, whoever looks and whenever the power fails."""
    part = path.with_name(f"{path.name}.{entropy(8).hex()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(entropy(_SECRET_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            part.rename(path)
    finally:
        part.unlink(missing_ok=True)
