"""What all of Meta's webhooks share: the challenge, the signature over raw bytes, the envelope's outline."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

import msgspec
from pydantic import SecretStr

from ingestors.surrogates import whole_surrogates
from pipeline.channel import HookAnswer, HookRequest
from pipeline.errors import Rejected

MAX_CHALLENGE = 256


class _Outline(msgspec.Struct):
    object: str
    entry: list[msgspec.Raw]


class _Entrance(msgspec.Struct):
    id: str | int | None = None


def answer_challenge(query: Mapping[str, str], verify_token: SecretStr) -> HookAnswer:
    """Echoes ``hub.challenge`` for the right token (Meta, "Webhooks > Verification requests"). Raises ``Rejected``.

    Only letters, digits, dash and underscore are echoed, as plain text: nothing a browser would run.
    """
    token, challenge = query.get("hub.verify_token", ""), query.get("hub.challenge", "")
    expected = verify_token.get_secret_value()
    if query.get("hub.mode") != "subscribe" or not hmac.compare_digest(token.encode(), expected.encode()):
        raise Rejected(403, "webhook.wrong-challenge", "The verify token is not the one of this channel's settings.")
    if len(challenge) > MAX_CHALLENGE or not challenge.replace("-", "").replace("_", "").isalnum():
        raise Rejected(400, "webhook.wrong-challenge", "hub.challenge must be letters, digits, dashes or underscores.")
    return HookAnswer(challenge.encode())


def hub_signature(body: bytes, secret: str) -> str:
    """Value of X-Hub-Signature-256: ``sha256=`` and the lower-case hex HMAC-SHA256 of the raw body."""
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def verify_signature(request: HookRequest, secrets: Sequence[SecretStr | None]) -> None:
    """Compares X-Hub-Signature-256 with the body. Raises ``Rejected`` 401.

    Each secret is tried, so that a rotation loses nothing; an empty one, which everybody knows, never counts. The old
    SHA-1 header is not enough.
    """
    given = request.headers.get("x-hub-signature-256", "")
    valid = False
    for secret in secrets:
        if secret is None or not secret.get_secret_value():
            continue
        expected = hub_signature(request.body, secret.get_secret_value())
        valid |= hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
    if not valid:
        raise Rejected(401, "webhook.wrong-signature", "X-Hub-Signature-256 does not match the body.")


def verify_json(request: HookRequest) -> None:
    """Raises ``Rejected`` 415 or 400 unless the body is a JSON object in UTF-8.

    A half surrogate pair inside a citizen's text is let through: refused, Meta would repeat the delivery for days.
    """
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise Rejected(415, "webhook.wrong-content-type", "Send application/json.")
    try:
        msgspec.json.decode(whole_surrogates(request.body), type=dict[str, msgspec.Raw])
        request.body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Rejected(400, "webhook.not-json", "The body is not a JSON object in UTF-8.") from None


def verify_outline(request: HookRequest, expected: str, account: str | None = None) -> None:
    """Raises ``Rejected`` 400 unless the body names ``expected`` and holds entries.

    With ``account`` a delivery for the Page is taken too, if one of its entries is this account's: Meta's pages
    disagree on which object Instagram deliveries name.
    """
    try:
        outline = msgspec.json.decode(whole_surrogates(request.body), type=_Outline)
    except msgspec.ValidationError:
        raise Rejected(400, "webhook.wrong-shape", "Expected the members object and entry.") from None
    ours = outline.object == expected or (account is not None and outline.object == "page")
    if not ours or not outline.entry:
        raise Rejected(400, "webhook.wrong-shape", f"Expected object {expected} and at least one entry.")
    if outline.object != expected and account not in [_entrance(one) for one in outline.entry]:
        raise Rejected(400, "webhook.wrong-shape", f"No entry is of account {account}: check the webhook's address.")


def _entrance(entry: msgspec.Raw) -> str:
    try:
        return str(msgspec.json.decode(entry, type=_Entrance).id)
    except (msgspec.DecodeError, RecursionError):
        return ""
