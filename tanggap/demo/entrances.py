"""Delivers as the vendors do: signed, and again until the entrance says that it has it."""

from __future__ import annotations

import asyncio
import re
import smtplib

import httpx
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from ingestors.email.settings import EmailSettings
from ingestors.registry import CHANNELS
from ingestors.vendor import Signing, vendor_of

from ..demo_people import DemoAccount

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5
HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
ATTRIBUTE = re.compile(r'(name|value)="([^"]*)"')


class DemoError(Exception):
    """The demo cannot go on; the message says what to do."""


def secret_of(settings: BaseSettings, signing: Signing) -> str:
    """The secret that deliveries are signed with."""
    secret: SecretStr = getattr(settings, signing.setting)
    return secret.get_secret_value()


class Entrances:
    """The doors of a running Tanggap."""

    def __init__(self, client: httpx.AsyncClient, base_url: str) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self.settings = {name: channel.settings() for name, channel in CHANNELS.items()}

    async def deliver(self, channel: str, body: bytes) -> None:
        """By the channel's own door: its signed webhook, or SMTP. Raises ``DemoError``."""
        if CHANNELS[channel].webhook is None:
            await self._mail(body)
            return
        vendor = vendor_of(channel)
        headers = {"Content-Type": vendor.content_type}
        if vendor.signing is not None:
            secret = secret_of(self.settings[channel], vendor.signing)
            headers[vendor.signing.header] = vendor.signing.sign(body, secret)
        await self._post(f"{self._base_url}/webhooks/{channel}", body, headers)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            problem = "no answer"
            try:
                answer = await self._client.post(url, content=body, headers=headers)
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

    async def _mail(self, data: bytes) -> None:
        """A mail server that cannot deliver keeps the mail and tries again."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                await asyncio.to_thread(self._smtp, data)
            except (OSError, smtplib.SMTPException) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise DemoError(f"the mail entrance does not answer ({type(error).__name__})") from error
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return

    def _smtp(self, data: bytes) -> None:
        settings = EmailSettings()
        with smtplib.SMTP(settings.listen_host, settings.listen_port, timeout=10) as connection:
            connection.sendmail("warga@surel.contoh.id", [settings.address], data)

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
