"""Counters: city hall, mayors' offices, kecamatan, kelurahan, Inspektorat.

Source: the portal's ``/loket`` form, typed by an officer. Authentication: the officer's login in the portal.
Owner: Biro Pemerintahan, CRM desk.
"""

from pipeline.channel import Channel

from .decode import REASONS, decode
from .payload import CounterForm
from .receive import form_from, submit
from .reply import sender
from .settings import CounterSettings

CHANNEL = Channel(name="counter", title="Loket", settings=CounterSettings, decode=decode, sender=sender)

__all__ = ["CHANNEL", "REASONS", "CounterForm", "form_from", "submit"]
