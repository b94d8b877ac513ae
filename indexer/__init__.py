"""Kafka → Elasticsearch: what people search and see. A view that can be deleted and rebuilt by one command."""
