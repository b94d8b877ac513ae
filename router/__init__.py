"""Which agency a complaint goes to: a rulebook (``data/``), and the one pure function that applies and explains it."""
