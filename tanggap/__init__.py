"""The composition root: the command, the supervisor behind ``make run``, and the one place that hands channels and
the vault to the services that use them."""
