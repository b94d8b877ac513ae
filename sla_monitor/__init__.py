"""Deadlines of a ticket: policies and calendars as data, exact clocks, warnings and breaches that fire once."""
