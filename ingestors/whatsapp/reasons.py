"""Every code that this channel gives, and what it means; `docs/reasons.md` is made of them."""

from __future__ import annotations

REASONS = {
    "whatsapp.unreadable": "The delivery, or one message in it, is not what Meta documents.",
    "whatsapp.thread": "Answers an earlier message (context.id).",
    "whatsapp.edited": "A newer version of an earlier message.",
    "whatsapp.revoked": "The sender deleted the message for everyone.",
    "whatsapp.status": "Delivery report of a message of ours.",
    "whatsapp.reaction": "An emoji on a message.",
    "whatsapp.sticker": "A sticker.",
    "whatsapp.contacts": "Shared contact cards.",
    "whatsapp.order": "A shop order; the city has no shop.",
    "whatsapp.system": "The person changed number or identity.",
    "whatsapp.welcome": "The person opened the chat for the first time.",
    "whatsapp.call-permission": "The person allowed or refused calls; the city makes none.",
    "whatsapp.unsupported": "A kind that the Cloud API does not deliver (poll, live location, view once …).",
    "whatsapp.no-sender": "Neither a phone number nor a user id: nobody to answer.",
    "whatsapp.other-field": "A subscription field that carries no messages.",
    "whatsapp.vendor-error": "Meta reports an error of its own beside the messages.",
    "whatsapp.window-closed": "Over 24 hours since the person's last message: Meta takes approved templates only.",
    "whatsapp.refused": "Meta refused the answer, or the question about our access, for good.",
    "whatsapp.reply-too-long": "The answer is longer than the 4,096 characters of a text.",
    "whatsapp.media-gone": "Meta has the file no more: it serves a media id for 7 days.",
    "whatsapp.token-refused": "The access token has expired or was withdrawn: set a new one.",
    "whatsapp.number-unknown": "The token does not reach the number or account of the settings: check their ids.",
    "whatsapp.number-stopped": "Meta has blocked, restricted or flagged the number: see WhatsApp Manager.",
    "whatsapp.quality-low": "People block or report the number (quality rating RED): Meta will limit it.",
    "whatsapp.not-subscribed": "The app is not subscribed to the business account: deliveries do not come.",
}
