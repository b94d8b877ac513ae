"""What one message holds: its words, its place, its files, and who wrote it."""

from __future__ import annotations

import telegram

from schemas.item import Attachment, Author, Location

_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), 127))
FILES = {
    "animation": "video/mp4",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "voice": "audio/ogg",
    "audio": "audio/mpeg",
    "document": "application/octet-stream",
}
"""Members that hold a file, and its type where Telegram does not say."""


def words(message: telegram.Message) -> str:
    """Text or caption, then the addresses that stand behind words of it (a map, mostly)."""
    hidden = message.parse_entities(["text_link"]) if message.text else message.parse_caption_entities(["text_link"])
    links = [address for entity in hidden if (address := plain(entity.url)) is not None]
    text = plain(message.text or message.caption) or ""
    return "\n".join([text, *(link for link in dict.fromkeys(links) if link not in text)]).strip()


def author(message: telegram.Message) -> Author:
    """Known by the user id, which stays; names and handles change. The caller has seen that there is a sender."""
    user = message.from_user
    if user is None:
        raise ValueError("no sender")
    name = " ".join(part for part in (plain(user.first_name), plain(user.last_name)) if part)
    return Author(id=str(user.id), name=name or None, handle=plain(user.username))


def location(message: telegram.Message) -> Location:
    """Of a location or a venue; one off the globe is none."""
    spot = message.venue.location if message.venue else message.location
    named = (message.venue.title, message.venue.address) if message.venue else ()
    text = ", ".join(said for part in named if (said := plain(part)) is not None) or None
    if spot is None or not (abs(spot.latitude) <= 90 and abs(spot.longitude) <= 180):
        return Location(text=text)
    return Location(lat=spot.latitude, lon=spot.longitude, text=text)


def attachments(message: telegram.Message) -> tuple[Attachment, ...]:
    """The largest size of a photo, or the one file; an animation also stands as a document, and counts once."""
    found: list[Attachment] = []
    if message.photo:
        largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size or 0))
        found.append(Attachment(media_type="image/jpeg", size=largest.file_size, reference=plain(largest.file_id)))
    for member, usual in FILES.items():
        file = getattr(message, member)
        if file is not None and not (member == "document" and message.animation):
            found.append(
                Attachment(
                    name=plain(getattr(file, "file_name", None)),
                    media_type=plain((getattr(file, "mime_type", None) or usual).split(";")[0].lower()) or usual,
                    size=file.file_size,
                    reference=plain(file.file_id),
                )
            )
    return tuple(found)


def plain(text: str | None) -> str | None:
    """Without control characters; None when nothing is left."""
    return (text or "").translate(_CONTROLS).strip() or None
