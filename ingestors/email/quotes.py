"""What the citizen wrote in this mail, without the quoted history, the signature and the phone's advertisement.

Known libraries miss the Indonesian forms ("Pada … menulis:", "Dari:/Dikirim:/Kepada:", "Dikirim dari iPhone saya").
Rule of this module: text is cut only where a quote is recognised, answers between or below quotes stay, and when
nothing would remain the whole text stays. Forwarded mails are complaints of their own and are kept whole.
"""

from __future__ import annotations

import re
from typing import Final

_ATTRIBUTION = re.compile(
    r"(?:(?:Pada|On)\b.{0,300}?|.{0,200}<[^<>\s]{3,200}>[^<>]{0,60})\b(?:menulis|wrote)\s*:\s*\Z", re.IGNORECASE
)
_DATED = re.compile(r"\b(?:19|20)\d\d\b|@|\d[:.]\d\d")
_FIELD = re.compile(
    r"[*_ ]{0,3}(Dari|Dikirim|Kepada|Ke|Tembusan|Tanggal|Subjek|Perihal|Judul|From|Sent|To|Cc|Date|Subject)[*_ ]{0,3}:",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"-{2,}\s*(?:Original Message|Pesan Asli|Pesan asal|Pesan sebelumnya)\s*-{2,}\s*\Z", re.IGNORECASE
)
_FORWARDED = re.compile(
    r"(?:-{2,}\s*)?(?:Forwarded message|Pesan (?:yang )?(?:di)?terus(?:kan|an)|Begin forwarded message"
    r"|Mulai pesan yang diteruskan|Awal pesan yang diteruskan)\s*(?:-{2,}|:)\s*\Z",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"(?:Dikirim (?:dari|melalui|menggunakan)|Terkirim dari|Sent (?:from|via)|Get Outlook for|Dapatkan Outlook untuk)"
    r"\s.{1,60}\Z",
    re.IGNORECASE,
)
_DEVICE_WORD = re.compile(
    r"iPhone|iPad|Android|Samsung|Galaxy|Xiaomi|Redmi|Oppo|Vivo|Huawei|Realme|BlackBerry|Yahoo|Outlook|Gmail|Mail|Ponsel"
    r"|perangkat|smartphone|Windows|mobile",
    re.IGNORECASE,
)
_SIGNATURE_LINES: Final = 20
_BARE_SIGNATURE_LINES: Final = 6


def own_text(text: str, *, answer: bool, forwarded: bool = False) -> str:
    """``text`` without history and signature.

    ``answer``: the mail refers to another, so ``>`` lines are quotes even without an attribution line.
    ``forwarded``: the subject says that the history is the message; then only signatures before it go.
    """
    lines = text.split("\n")
    kept = _Stripper(lines, answer, forwarded).run()
    own = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return own or text.strip()


class _Stripper:
    def __init__(self, lines: list[str], answer: bool, forwarded: bool) -> None:
        self.lines = lines
        self.quoting = answer
        self.forwarded = forwarded
        self.kept: list[str] = []
        self.heads: dict[int, int] = {}

    def run(self) -> list[str]:
        at = 0
        while at < len(self.lines):
            line = self.lines[at]
            if _FORWARDED.match(line.strip()[:200]):
                return self.kept + self.lines[at:]
            if self.quoting and line.startswith(">"):
                at += 1
                continue
            history = self.history(at)
            if history > at:
                following = self.after_blank(history)
                if following < len(self.lines) and self.lines[following].startswith(">"):
                    self.quoting = True
                    at = following
                    continue
                if not self.forwarded and any(each.strip() for each in self.kept):
                    return self.kept
            after = self.signature(at)
            if after == at:
                self.kept.append(line)
            at = max(after, at + 1)
        return self.kept

    def history(self, at: int) -> int:
        """Where the head of quoted history that begins at ``at`` ends; ``at`` if none begins there."""
        if at not in self.heads:
            self.heads[at] = self.head(at)
        return self.heads[at]

    def head(self, at: int) -> int:
        if not self.lines[at].strip():
            return at
        if _ORIGINAL.match(self.lines[at].strip()[:200]):
            return max(self.fields(self.after_blank(at + 1)), at + 1)
        if not any(":" in line for line in self.lines[at : at + 3]):
            return at
        joined = ""
        for span in range(1, 4):
            if at + span > len(self.lines) or (span > 1 and not self.lines[at + span - 1].strip()):
                break
            joined = f"{joined} {self.lines[at + span - 1].strip()[:250]}".strip()
            if joined.endswith(":") and _ATTRIBUTION.match(joined) and _DATED.search(joined):
                return at + span
        return self.fields(at)

    def fields(self, at: int) -> int:
        """Outlook's block: From or Dari, then at least two more fields. Where it ends; ``at`` if it is none."""
        names: set[str] = set()
        pos = at
        while pos < len(self.lines) and pos - at < 10:
            found = _FIELD.match(self.lines[pos][:40])
            if found is None:
                break
            names.add(found[1].lower())
            pos += 1
        return pos if len(names) >= 3 and names & {"from", "dari"} else at

    def signature(self, at: int) -> int:
        """Where the signature or device line at ``at`` ends; ``at`` if none begins there."""
        line = self.lines[at]
        if _DEVICE.match(line.strip()[:100]) and _DEVICE_WORD.search(line[:100]):
            return at + 1
        if line.rstrip() != "--":
            return at
        limit = _SIGNATURE_LINES if line == "-- " else _BARE_SIGNATURE_LINES
        end = at + 1
        while end < len(self.lines) and not (self.lines[end].startswith(">") or self.history(end) > end):
            end += 1
            if end - at > limit:
                return at
        return end

    def after_blank(self, at: int) -> int:
        while at < len(self.lines) and not self.lines[at].strip():
            at += 1
        return at
