"""Every event of Tanggap as a typed record, and the list of topics they travel on.

This room imports nothing of ours. Records are immutable msgspec structs encoded as JSON; schemas change by
adding optional fields only, and the recorded events in ``tests/golden/events`` must decode for ever after.
"""
