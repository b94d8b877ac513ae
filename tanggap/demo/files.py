"""The vendors' file servers, played on loopback while the demo runs: photos are fetched from here as from a vendor.

In the embedded default, channels without credentials are pointed here (``vendor_addresses``): nothing else in a
newcomer's Tanggap could be asked for the files of invented people.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ingestors.registry import CHANNELS
from ingestors.vendor import Photo, vendor_of
from pipeline.settings import CoreSettings

from .entrances import DemoError

LARGEST_QUESTION = 64 * 1024


def address(core: CoreSettings, channel: str) -> str:
    """Where a channel's vendor is played."""
    return f"http://127.0.0.1:{core.demo_port}/{channel}"


def vendor_addresses(core: CoreSettings) -> dict[str, str]:
    """Environment variables that point channels without credentials to the demo."""
    found: dict[str, str] = {}
    for name, channel in CHANNELS.items():
        vendor = vendor_of(name)
        if vendor.api_setting is None or vendor.credential_setting is None:
            continue
        if not getattr(channel.settings(), vendor.credential_setting):
            found[f"TANGGAP_{name}_{vendor.api_setting}".upper()] = address(core, name)
    return found


class Files:
    """The photos of this run."""

    def __init__(self, core: CoreSettings) -> None:
        self._core = core
        self._photos: dict[str, Photo] = {}

    def add(self, channel: str, data: bytes) -> Photo:
        """A new photo of a message on ``channel``."""
        name = f"{secrets.token_hex(8)}.png"
        photo = Photo(name, f"{address(self._core, channel)}/files/{name}", data)
        self._photos[name] = photo
        return photo

    def answer(self, path: str, question: str) -> tuple[bytes, str] | None:
        """What the vendor named first in ``path`` answers; ``question`` is the rest, query or form included."""
        channel, _, rest = path.lstrip("/").partition("/")
        if channel not in CHANNELS:
            return None
        photo = self._photos.get(rest.partition("?")[0].rpartition("/")[2])
        if photo is not None and rest.startswith(("files/", "file/")):
            return photo.data, "image/png"
        locate = vendor_of(channel).locate
        found = (locate(f"/{rest}{question}", one) for one in self._photos.values()) if locate else iter(())
        return next((one for one in found if one is not None), None)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answers on the demo port. Raises ``DemoError`` when it is taken."""
        try:
            server = ThreadingHTTPServer(("127.0.0.1", self._core.demo_port), _handler(self))
        except OSError:
            raise DemoError(f"port {self._core.demo_port} is taken: free it, or set TANGGAP_DEMO_PORT") from None
        thread = threading.Thread(target=server.serve_forever, name="demo-files", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


def _handler(files: Files) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._give(files.answer(self.path, ""))

        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", "0") or 0), LARGEST_QUESTION)
            self._give(files.answer(self.path, "?" + self.rfile.read(length).decode(errors="replace")))

        def _give(self, found: tuple[bytes, str] | None) -> None:
            body, kind = found or (b"{}", "application/json")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nothing: paths hold the demo's tokens."""

    return Handler
