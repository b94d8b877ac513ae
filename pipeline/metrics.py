"""Every metric of the product: name, type, meaning. Labels never hold personal data."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter("tanggap_published", "Records acknowledged by Kafka.", ["topic"])
PUBLISH_SECONDS = Histogram(
    "tanggap_publish_seconds",
    "Time from hand-over to the acknowledgement of all replicas.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4),
)
PROCESSED = Counter("tanggap_processed", "Records a stage has finished with.", ["stage", "topic"])
BATCH_SECONDS = Histogram(
    "tanggap_batch_seconds",
    "Time a stage takes for one batch, outputs and table included.",
    ["stage"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
RETRIES = Counter("tanggap_retries", "Batches tried again because something was away.", ["stage"])
DEAD = Counter("tanggap_dead", "Records that became dead letters.", ["stage", "reason"])
DECODED = Counter("tanggap_decoded", "Items by channel and outcome (CONTRACT, tanggap decode).", ["channel", "outcome"])
UNIFIED = Counter("tanggap_unified", "Items by what became of them.", ["channel", "kind"])
RECEIVED = Counter("tanggap_received", "Deliveries at an entrance by outcome.", ["channel", "outcome"])
REPLIES = Counter("tanggap_replies", "Answers to citizens by outcome.", ["channel", "outcome"])
MEDIA = Counter("tanggap_media", "Files of messages that were kept.", ["channel"])
MEDIA_BYTES = Counter("tanggap_media_bytes", "Bytes of files of messages that were kept.", ["channel"])
MEDIA_FAILED = Counter("tanggap_media_failed", "Files that were given up, by reason code.", ["channel", "reason"])
MEDIA_RETRIES = Counter("tanggap_media_retries", "Attempts at a file that will be repeated.", ["channel"])
MEDIA_WAITING = Gauge("tanggap_media_waiting", "Files that were tried in vain and will be tried again.", ["channel"])
LAST_EVENT = Gauge("tanggap_last_event_timestamp", "Unix time of the newest event of a channel.", ["channel"])
CAUGHT_UP = Gauge(
    "tanggap_catchup_complete_timestamp", "Unix time at which the last complete look at a vendor's listing began.",
    ["channel"],
)  # fmt: skip
SILENT = Gauge("tanggap_channel_silent", "1 while a channel has far fewer deliveries than usual.", ["channel"])
PROBE_OK = Gauge("tanggap_channel_probe_ok", "1 when the vendor answered and takes our credentials.", ["channel"])
TOKEN_DAYS = Gauge("tanggap_channel_token_days_left", "Days until a channel's token expires.", ["channel"])
SUBSCRIBED = Gauge("tanggap_channel_subscribed", "1 while the vendor's deliveries to us are switched on.", ["channel"])
BUDGET_USED = Gauge("tanggap_channel_budget_used_ratio", "Used share of the vendor's budget, 1 is all.", ["channel"])
READY = Gauge("tanggap_ready", "1 while the service can do its work.", ["service"])
