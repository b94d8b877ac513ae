"""`python -m tanggap`."""

from .cli import main

main()
