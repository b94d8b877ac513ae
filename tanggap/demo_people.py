"""Accounts of the embedded default. Their passwords are public, so they are never made in production."""

from __future__ import annotations

from dataclasses import dataclass

from vault.model import Role
from vault.store import Vault


@dataclass(frozen=True)
class DemoAccount:
    """Who can log in at once after `make run`."""

    username: str
    name: str
    role: Role
    unit: str
    unit_name: str

    @property
    def password(self) -> str:
        """Carries the prefix that production refuses."""
        return f"demo-{self.username}"


ACCOUNTS = (
    DemoAccount("operasi", "Tim Operasi CRM", "operations", "BIRO-PEM", "Biro Pemerintahan Setda"),
    DemoAccount("meja", "Meja CRM", "desk", "BIRO-PEM", "Biro Pemerintahan Setda"),
    DemoAccount("loket", "Petugas Loket Balai Kota", "counter", "BALAI-KOTA", "Pendopo Balai Kota"),
    DemoAccount("dishub", "Petugas Dinas Perhubungan", "officer", "DISHUB", "Dinas Perhubungan"),
    DemoAccount("sda", "Petugas Dinas Sumber Daya Air", "officer", "DSDA", "Dinas Sumber Daya Air"),
    DemoAccount("binamarga", "Petugas Dinas Bina Marga", "officer", "DBM", "Dinas Bina Marga"),
    DemoAccount("selong", "Petugas Kelurahan Selong", "officer", "KEL:31.74.07.1004", "Kelurahan Selong"),
)


def ensure_demo_accounts(vault: Vault) -> None:
    """Creates what is missing."""
    for account in ACCOUNTS:
        vault.ensure_account(
            account.username, account.password, account.name, account.role, account.unit, account.unit_name
        )
