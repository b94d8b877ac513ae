"""Settings of the e-mail channel: environment variables ``TANGGAP_EMAIL_…``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from pipeline.settings import Settings

from .headers import base_address, is_address

MIB = 1024 * 1024


class EmailSettings(Settings):
    """Where mail comes in and goes out. Works with none set: takes SMTP on loopback, records answers unsent."""

    model_config = SettingsConfigDict(env_prefix="TANGGAP_EMAIL_", env_file=".env", frozen=True, extra="ignore")

    address: str = Field(
        "dki@jakarta.go.id", description="The city's address: the entrance, and the sender of answers."
    )
    own_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further addresses of ours, comma separated: accepted as recipients, ignored as senders."
    )
    sender_name: str = Field("Pemprov DKI Jakarta", description="Name beside the address in answers.")
    max_message_bytes: int = Field(
        25 * MIB, ge=64 * 1024, description="Largest message taken, in bytes; larger ones are refused with 552 5.3.4."
    )

    listen_protocol: Literal["smtp", "lmtp", "off"] = Field(
        "smtp", description="Protocol of the built-in receiver for mail from your own MTA; off: no receiver."
    )
    listen_host: str = Field("127.0.0.1", description="Address the receiver binds to. It has no TLS: keep it internal.")
    listen_port: int = Field(8025, ge=0, le=65535, description="Port of the receiver; 0 picks a free one.")
    listen_connections: int = Field(20, ge=1, description="Connections at once; the next one is answered 421.")
    listen_timeout: float = Field(120.0, gt=0, description="Seconds one command, with its data, may take.")

    imap_host: str = Field("", description="IMAP server of a mailbox to poll; empty: no poller.")
    imap_port: int = Field(993, ge=1, le=65535, description="IMAP port.")
    imap_ssl: bool = Field(True, description="TLS from the first byte; without it the password travels in clear.")
    imap_user: str = Field("", description="IMAP user.")
    imap_password: SecretStr = Field(SecretStr(""), description="IMAP password.")
    imap_folder: str = Field(
        "INBOX", description="Folder to read. It is opened read-only: nothing is moved or flagged."
    )
    imap_poll_seconds: float = Field(15.0, gt=0, description="Pause between two looks into the mailbox, in seconds.")
    imap_timeout: float = Field(30.0, gt=0, description="Seconds one IMAP command may take.")

    smtp_host: str = Field("", description="Mail server that sends our answers; empty: answers are recorded, not sent.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of that server.")
    smtp_tls: Literal["starttls", "ssl", "none"] = Field("starttls", description="How the connection is encrypted.")
    smtp_user: str = Field("", description="User for sending; empty: no login.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password for sending.")
    smtp_timeout: float = Field(30.0, gt=0, description="Seconds sending one answer may wait for the server.")

    @field_validator("own_addresses", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _addresses(self) -> EmailSettings:
        for address in (self.address, *self.own_addresses):
            if not is_address(address):
                raise ValueError(f"{address!r} is no mail address: write TANGGAP_EMAIL_ADDRESS as name@domain")
        if self.imap_host and not self.imap_user:
            raise ValueError("TANGGAP_EMAIL_IMAP_HOST is set without a user: set TANGGAP_EMAIL_IMAP_USER")
        return self

    @property
    def own(self) -> tuple[str, ...]:
        """All addresses of ours, lower case, the entrance first."""
        return tuple(dict.fromkeys(base_address(each) for each in (self.address, *self.own_addresses)))
