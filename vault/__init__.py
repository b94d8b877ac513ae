"""What is secret or must be erasable: record keys, people, the register of numbers and tokens, originals, accounts,
blobs, cursors, audit (DESIGN, "Where state lives"). SQLite by default, PostgreSQL by setting."""
