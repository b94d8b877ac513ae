"""Half surrogate pairs in JSON: no text, yet some vendors' apps let them through, and no parser takes them."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL)


def whole_surrogates(body: bytes) -> bytes:
    """JSON with U+FFFD for half surrogate pairs: one of them must not cost the whole delivery."""

    def mend(found: re.Match[bytes]) -> bytes:
        return rb"\ufffd" if len(found[0]) == 6 and found[0][2:3] in b"dD" else found[0]

    return _ESCAPE.sub(mend, body)
