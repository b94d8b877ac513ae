"""The frame every service stands in: settings, publisher, batch processing, dead letters, logging, metrics, health,
and the protocol a channel fulfils. Knows the schemas and nothing of the other rooms."""
