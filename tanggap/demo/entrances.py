"""Delivers as the vendors do: signed, and again until the entrance says that it has it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import smtplib
from email.message import EmailMessage
from email.policy import SMTP

import httpx

from ingestors.email.settings import EmailSettings
from ingestors.whatsapp.settings import WhatsAppSettings
from ingestors.x.settings import XSettings

from ..demo_people import DemoAccount

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5
HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
ATTRIBUTE = re.compile(r'(name|value)="([^"]*)"')


class DemoError(Exception):
    """The demo cannot go on; the message says what to do."""


class Entrances:
    """The doors of a running Tanggap."""

    def __init__(self, client: httpx.AsyncClient, base_url: str) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self.whatsapp_settings = WhatsAppSettings()
        self.x_settings = XSettings()
        self.email_settings = EmailSettings()

    async def whatsapp(self, body: bytes) -> None:
        """POST with Meta's signature."""
        secret = self.whatsapp_settings.app_secret.get_secret_value().encode()
        signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        await self._deliver("whatsapp", body, {"X-Hub-Signature-256": signature})

    async def x(self, body: bytes) -> None:
        """POST with X's signature."""
        secret = self.x_settings.consumer_secret.get_secret_value().encode()
        digest = hmac.new(secret, body, hashlib.sha256).digest()
        signature = "sha256=" + base64.b64encode(digest).decode()
        await self._deliver("x", body, {"x-twitter-webhooks-signature": signature})

    async def _deliver(self, channel: str, body: bytes, headers: dict[str, str]) -> None:
        url = f"{self._base_url}/webhooks/{channel}"
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            problem = "no answer"
            try:
                answer = await self._client.post(
                    url, content=body, headers={"Content-Type": "application/json", **headers}
                )
            except httpx.TransportError as error:
                problem = type(error).__name__
            else:
                if answer.is_success:
                    return
                problem = f"answer {answer.status_code}"
                if answer.is_client_error:
                    raise DemoError(
                        f"{url} refused the delivery ({problem}): do demo and `make run` share their settings?"
                    )
            if asyncio.get_running_loop().time() > deadline:
                raise DemoError(f"{url} does not take the delivery ({problem}): is `make run` running?")
            await asyncio.sleep(PAUSE_SECONDS)

    async def mail(self, message: EmailMessage) -> bytes:
        """By SMTP; returns the bytes as sent. A mail server that cannot deliver keeps the mail and tries again."""
        data = message.as_bytes(policy=SMTP)
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                await asyncio.to_thread(self._smtp, message, data)
            except (OSError, smtplib.SMTPException) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise DemoError(f"the mail entrance does not answer ({type(error).__name__})") from error
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return data

    def _smtp(self, message: EmailMessage, data: bytes) -> None:
        settings = self.email_settings
        with smtplib.SMTP(settings.listen_host, settings.listen_port, timeout=10) as connection:
            connection.sendmail(str(message["From"]), [settings.address], data)

    async def counter(self, account: DemoAccount, fields: dict[str, str]) -> str:
        """Logs in as an officer and submits the form; returns the path of the slip."""
        async with httpx.AsyncClient(base_url=self._base_url, timeout=10, follow_redirects=True) as browser:
            login = hidden((await browser.get("/masuk")).text)
            await browser.post("/masuk", data={**login, "akun": account.username, "sandi": account.password})
            form = await browser.get("/loket")
            answer = await browser.post("/loket", data={**hidden(form.text), **fields})
            if not answer.is_success:
                raise DemoError(f"the counter form was refused (answer {answer.status_code})")
            for _ in range(int(PATIENCE_SECONDS / PAUSE_SECONDS)):
                if "/loket/slip/" in str(answer.url):
                    return answer.url.path
                await asyncio.sleep(PAUSE_SECONDS)
                answer = await browser.get(str(answer.url))
            raise DemoError("the counter's slip did not appear: read .data/logs/normalizer.log")


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of the page's forms."""
    found = (dict(ATTRIBUTE.findall(tag)) for tag in HIDDEN.findall(html))
    return {field["name"]: field.get("value", "") for field in found if "name" in field}
