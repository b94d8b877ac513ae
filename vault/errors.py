"""What can go wrong with the vault beyond being away (``pipeline.errors.Unavailable``)."""

from __future__ import annotations

from pipeline.errors import InvalidItem


class VaultError(Exception):
    """The vault cannot be opened as it is set up; the message says what to change."""


class UnknownTicket(InvalidItem):
    """A message joins a ticket that the register does not hold."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__("unknown_ticket", ticket_id)


class ErasedPerson(InvalidItem):
    """A message received before its author was erased comes again: it must not bring them back."""

    def __init__(self, pseudonym: str) -> None:
        super().__init__("erased_person", pseudonym)
