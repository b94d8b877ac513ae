"""Everything derived from the two secrets of the settings: the wrapping key, and the keyed ids and tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.sealing import seal, unseal
from pipeline.settings import CoreSettings
from schemas.ids import keyed_id

from .errors import VaultError
from .model import Scope

MASTER_MINIMUM = 32
ID_MINIMUM = 24
TOKEN_BYTES = 18
"""144 bits: above the 128 of DESIGN (promise 6), and 24 characters without padding, so that a QR code stays small."""

MEDIA_BYTES = 24
"""192 bits of an address of a file."""


def random_id() -> str:
    """128 random bits as 26 lowercase base32 characters."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def token_hash(token: str) -> bytes:
    """What is stored of a token. Its 128 and more random-looking bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class Keyring:
    """Wraps with the master key and derives ids with the id key; one sub-key (HKDF, RFC 5869) for each purpose."""

    def __init__(self, settings: CoreSettings) -> None:
        master = settings.master_key.get_secret_value()
        identifier = settings.id_key.get_secret_value()
        for name, value, minimum in (
            ("TANGGAP_MASTER_KEY", master, MASTER_MINIMUM),
            ("TANGGAP_ID_KEY", identifier, ID_MINIMUM),
        ):
            if len(value) < minimum:
                raise VaultError(f"{name} has fewer than {minimum} characters: set a longer random one")
        self.tenant = settings.tenant
        self._wrap = _derive(master, "wrap")
        self._pseudonym = _derive(identifier, "pseudonym")
        self._hash = _derive(identifier, "hash")
        self._ticket = _derive(identifier, "ticket")
        self._token = _derive(identifier, "token")
        self._media = _derive(identifier, "media")

    def seal(self, plain: bytes, context: str) -> bytes:
        """``plain`` under the master key; ``context`` binds it to its row."""
        return seal(self._wrap, plain, context)

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Raises ``pipeline.sealing.Broken``."""
        return unseal(self._wrap, sealed, context)

    def pseudonym(self, channel: str, account: str, author_id: str) -> str:
        return "p" + keyed_id(self._pseudonym, self.tenant, channel, account, author_id)

    def hash_of(self, *parts: str) -> str:
        return keyed_id(self._hash, self.tenant, *parts)

    def ticket_id(self, channel: str, account: str, root_id: str) -> str:
        return "t" + keyed_id(self._ticket, self.tenant, channel, account, root_id)

    def token(self, ticket_id: str, scope: Scope, version: int) -> str:
        mac = hmac.digest(self._token, f"{ticket_id}|{scope}|{version}".encode(), "sha256")
        return base64.urlsafe_b64encode(mac[:TOKEN_BYTES]).decode()

    def media_mac(self, ticket_id: str, blob: str, variant: str, expires: int) -> str:
        """32 characters that nobody without the id key can make; they bind a file to ticket, variant and expiry."""
        mac = hmac.new(self._media, digestmod="sha256")
        for part in (self.tenant, ticket_id, blob, variant, str(expires)):
            mac.update(len(part.encode()).to_bytes(4, "big") + part.encode())
        return base64.urlsafe_b64encode(mac.digest()[:MEDIA_BYTES]).decode()

    def __repr__(self) -> str:
        return f"Keyring({self.tenant})"


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"tanggap vault {purpose}".encode()).derive(secret.encode())
