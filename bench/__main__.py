"""`make bench`: runs the benchmarks and writes bench/results/*.json and README.md.

Against clusters of yours: ``BENCH_KAFKA=host:port BENCH_ELASTICSEARCH=url``.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import burst
from .city import city

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Arguments: rate and seconds of the burst."""
    rate, seconds = (int(word) for word in (sys.argv[1:3] or (burst.RATE, burst.SECONDS)))
    kafka, elasticsearch = os.environ.get("BENCH_KAFKA", ""), os.environ.get("BENCH_ELASTICSEARCH", "")
    with city(kafka, elasticsearch) as process:
        found = asyncio.run(burst.run(rate, seconds, process.pid))
    found["machine"] = {"cores": os.cpu_count(), "python": platform.python_version()}
    found["engines"] = "Apache Kafka and Elasticsearch" if kafka else "embedded stand-in"
    found["at"] = datetime.now(UTC).isoformat(timespec="seconds")
    name = f"burst-{'real' if kafka else 'embedded'}-{rate}.json"
    (RESULTS / name).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (RESULTS / "README.md").write_text(table(), encoding="utf-8")
    print(json.dumps(found, indent=2))


def table() -> str:
    """All results as Markdown."""
    lines = [
        "# Results",
        "",
        "Written by `make bench`, which starts a Tanggap of its own on empty data. Milliseconds from the "
        "acknowledgement (200) of the webhook; load generator, broker, search and all services share the cores. "
        "Baseline: the same load of deliveries without a complaint. CPU: of our processes and the stand-in, from the "
        "first complaint to the last ticket.",
        "",
        "| engines | rate/s | s | sent | lost | drained after s | HTTP p50/p99 (baseline) "
        "| readable p50/p99 | searchable p50/p99 | CPU ms a complaint | memory MB, most |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for path in sorted(RESULTS.glob("burst-*.json")):
        row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

        def pair(name: str, row: dict[str, Any] = row) -> str:
            found = row[name]
            return f"{found['p50']:.0f} / {found['p99']:.0f}" if found else "–"

        lines.append(
            f"| {row['engines']} | {row['rate_per_s']} | {row['seconds']} | {row['sent']} | {row['lost']} "
            f"| {row['seconds_until_drained']} | {pair('http_ms')} ({pair('baseline_http_ms')}) "
            f"| {pair('readable_ms')} | {pair('searchable_ms')} "
            f"| {sum(row['cpu_ms_per_complaint'].values()):.1f} | {sum(row['memory_mb'].values())} |"
        )
    return "\n".join(lines) + "\n"


main()
