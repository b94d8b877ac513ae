"""The ticket's state machine: the only writer of a ticket's facts (DESIGN, promise 5)."""
