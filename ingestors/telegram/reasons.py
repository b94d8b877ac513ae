"""Reason codes of the Telegram channel, for ``docs/reasons.md``."""

from __future__ import annotations

REASONS = {
    "telegram.unreadable": "Not an update as the Bot API documents it; the bytes are kept.",
    "telegram.no-sender": "A message without a sender: nobody to answer.",
    "telegram.thread": "Answers an earlier message (reply_to_message).",
    "telegram.edited": "A newer version of an earlier message.",
    "telegram.live-location": "A live location that moved on, or ended.",
    "telegram.command": "A command to the bot, such as /start or /batal.",
    "telegram.channel": "A post of a Telegram channel, or its copy in a discussion group.",
    "telegram.bot": "Written by a bot, or under the mask of a group or channel.",
    "telegram.button": "A button of a message was pressed.",
    "telegram.blocked": "The person blocked the bot: answers no longer reach them.",
    "telegram.membership": "Somebody joined, left or changed rights, the bot included.",
    "telegram.reaction": "An emoji on a message.",
    "telegram.business": "A message of a business account that the bot is connected to; the city has none.",
    "telegram.poll": "A poll, or a vote in one.",
    "telegram.sticker": "A sticker, a dice or a game.",
    "telegram.contact": "A shared contact card.",
    "telegram.group-migrated": "The group became a supergroup and has a new id.",
    "telegram.service": "A service message of Telegram (title, pin, call …), or a kind without words, place or file.",
    "telegram.other-update": "A kind of update that carries no message.",
    "telegram.file-too-large": "Telegram gives files of bots up to 20 MB only.",
    "telegram.file-gone": "Telegram no longer gives the file.",
    "telegram.reply-too-long": "The answer is longer than 4,096 characters.",
    "telegram.reply-not-possible": "The answer names no chat that Telegram could know.",
    "telegram.refused": "Telegram refused the answer for good.",
    "telegram.token-refused": "Telegram does not take the bot's token: renew TANGGAP_TELEGRAM_BOT_TOKEN.",
    "telegram.no-webhook": "No webhook is set, so nothing is delivered: call setWebhook.",
    "telegram.webhook-failing": "Telegram cannot deliver to the webhook and queues for 24 hours at most.",
    "telegram.conflict": "Somebody polls this bot with getUpdates, which excludes the webhook.",
}
