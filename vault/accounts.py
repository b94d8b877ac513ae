"""Officers' accounts: passwords by scrypt, sessions by random tokens of which only hashes are stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Row, delete, insert, select, update

from pipeline.clock import Clock
from pipeline.errors import Rejected

from .engine import Database
from .keyring import Keyring, token_hash
from .model import Account, Role
from .schema import accounts, login_attempts, sessions

SESSION: Final = timedelta(hours=12)
WINDOW: Final = timedelta(minutes=15)
ATTEMPTS: Final = 10
COST: Final = (2**15, 8, 3)
"""scrypt N, r, p: 32 MiB, as the OWASP Password Storage Cheat Sheet lists it."""
DUMMY_SALT: Final = bytes(16)


class Accounts:
    """The tables of accounts, their sessions, and failed logins."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    def ensure(self, username: str, password: str, name: str, role: Role, unit: str, unit_name: str) -> Account:
        account_id = self._id(username)
        existing = self._row(account_id)
        same = existing is not None and _matches(password, existing.password)
        hashed = existing.password if existing is not None and same else _hashed(password)
        account = Account(account_id, username, name, role, unit, unit_name)
        profile = self._keyring.seal(msgspec.json.encode({"username": username, "name": name}), f"account:{account_id}")
        changing = {"password": hashed, "profile": profile, "role": role, "unit": unit, "unit_name": unit_name}
        with self._database.write() as connection:
            statement = self._database.insert(accounts).values(id=account_id, tenant=self._keyring.tenant, **changing)
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changing))
            if existing is not None and not same:
                connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
        return account

    def login(self, username: str, password: str) -> Account | None:
        account_id = self._id(username)
        # Counted before the password is tried, so that parallel guesses cannot outrun the limit.
        self._count_attempt(account_id)
        row = self._row(account_id)
        matches = _matches(password, row.password) if row is not None else _waste(password)
        if row is None or not matches:
            return None
        with self._database.write() as connection:
            connection.execute(delete(login_attempts).where(login_attempts.c.account_id == account_id))
        return self._account(row)

    def open_session(self, account: Account) -> str:
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        row = {"hash": token_hash(token), "account_id": account.id, "expires_at": now + SESSION}
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(insert(sessions), row)
        return token

    def session(self, token: str) -> Account | None:
        query = (
            select(accounts)
            .join(sessions, sessions.c.account_id == accounts.c.id)
            .where(sessions.c.hash == token_hash(token), sessions.c.expires_at > self._clock.now())
            .where(accounts.c.tenant == self._keyring.tenant)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return self._account(row) if row is not None else None

    def close_session(self, token: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == token_hash(token)))

    def _id(self, username: str) -> str:
        """Derived, so that two processes that create an account at once mean the same one."""
        return "a" + self._keyring.hash_of("username", username.strip().casefold())

    def _row(self, account_id: str) -> Row[Any] | None:
        with self._database.read() as connection:
            return connection.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()

    def _account(self, row: Row[Any]) -> Account:
        profile = msgspec.json.decode(self._keyring.unseal(row.profile, f"account:{row.id}"), type=dict[str, str])
        return Account(row.id, profile["username"], profile["name"], row.role, row.unit, row.unit_name)

    def _count_attempt(self, account_id: str) -> None:
        now = self._clock.now()
        with self._database.write(f"login/{account_id}") as connection:
            mine = login_attempts.c.account_id == account_id
            row = connection.execute(select(login_attempts).where(mine)).one_or_none()
            if row is None:
                connection.execute(insert(login_attempts), {"account_id": account_id, "since": now, "attempts": 1})
            elif row.since + WINDOW <= now:
                connection.execute(update(login_attempts).where(mine).values(since=now, attempts=1))
            elif row.attempts >= ATTEMPTS:
                raise Rejected(429, "too_many_logins", "Terlalu banyak percobaan masuk. Coba lagi 15 menit lagi.")
            else:
                connection.execute(update(login_attempts).where(mine).values(attempts=row.attempts + 1))


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32
    )


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    encoded = (base64.b64encode(part).decode() for part in (salt, _scrypt(password, salt, COST)))
    return "$".join(("scrypt", *map(str, COST), *encoded))


def _matches(password: str, stored: str) -> bool:
    _, n, r, p, salt, expected = stored.split("$")
    actual = _scrypt(password, base64.b64decode(salt), (int(n), int(r), int(p)))
    return hmac.compare_digest(actual, base64.b64decode(expected))


def _waste(password: str) -> bool:
    """The work of a password check for a username that does not exist: time must not tell who has an account."""
    _scrypt(password, DUMMY_SALT, COST)
    return False
