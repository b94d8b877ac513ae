"""Tells the citizen how it goes: wording as data, an outbox that loses nothing, delivery rules."""
