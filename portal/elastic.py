"""Cases from Elasticsearch: alias ``pengaduan-kasus``, one document a ticket, the whole case under ``case``."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError, AsyncElasticsearch, NotFoundError

from pipeline.errors import Unavailable
from schemas.case import Case

from .cases import PAGE, Inbox, InboxQuery, Numbers, UnitLoad
from .waktu import AT_RISK, midnight

ALIAS = "pengaduan-kasus"
CLOSED = ("selesai", "dicabut")
LATEST = 8
UNITS = 60
TIMEOUT = 5.0
"""Seconds a page waits for the search."""

Json = dict[str, Any]


class ElasticCases:
    """``portal.cases.CaseReader`` over Elasticsearch. The client is the caller's to close."""

    def __init__(self, client: AsyncElasticsearch, alias: str = ALIAS) -> None:
        self._client = client.options(request_timeout=TIMEOUT)
        self._alias = alias

    async def get(self, ticket_id: str) -> Case | None:
        """The ticket's newest state, by id: not delayed by the index's refresh. None also before the index exists."""
        try:
            found = await _reach(self._client.get(index=self._alias, id=ticket_id, source_includes=["case"]))
        except NotFoundError:
            return None
        return _case(found["_source"])

    async def inbox(self, query: InboxQuery, now: datetime) -> Inbox:
        """One page of tickets; ``counts`` are the unit's open tickets by status, whatever the filters."""
        unit = [{"term": {"unit": query.unit}}] if query.unit is not None else []
        closed = bool(query.statuses) and set(query.statuses) <= set(CLOSED)
        late_first = [{"constant_score": {"filter": _late(now)}}]
        sort: list[Json] = [
            {"_score": "desc"},
            {"due_at": {"order": "asc", "missing": "_last"}},
            {"received_at": "asc"},
        ]
        listing, counts = await self._search(
            {
                "query": {"bool": {"filter": unit + _wanted(query, now), "should": late_first}},
                "from": (query.page - 1) * PAGE,
                "size": PAGE,
                "sort": [{"updated_at": "desc"}] if closed else sort,
                "_source": ["case"],
                "track_total_hits": True,
            },
            {
                "query": {"bool": {"filter": [*unit, {"term": {"open": True}}]}},
                "size": 0,
                "aggs": {"status": {"terms": {"field": "status", "size": 20}}},
            },
        )
        return Inbox(
            tuple(_case(hit["_source"]) for hit in listing["hits"]["hits"]),
            listing["hits"]["total"]["value"],
            _counts(counts, "status"),
        )

    async def numbers(self, now: datetime) -> Numbers:
        """Everything of the operations page in one round trip."""
        minute, hour = now.replace(second=0, microsecond=0), now.replace(minute=0, second=0, microsecond=0)
        first_minute, first_hour = minute - timedelta(minutes=59), hour - timedelta(hours=23)
        latest, backlog, today, minutes, hours = await self._search(
            {"query": {"match_all": {}}, "size": LATEST, "sort": [{"received_at": "desc"}], "_source": ["case"]},
            {"query": {"term": {"open": True}}, "size": 0, "track_total_hits": True, "aggs": _backlog(now)},
            {"query": _since(midnight(now)), "size": 0, "track_total_hits": True},
            {"query": _since(first_minute), "size": 0, "aggs": _inflow("1m")},
            {"query": _since(first_hour), "size": 0, "aggs": _inflow("1h")},
        )
        groups = backlog.get("aggregations", {})
        statuses = _counts(backlog, "status")
        return Numbers(
            received_today=today["hits"]["total"]["value"],
            open=backlog["hits"]["total"]["value"],
            late=groups.get("late", {}).get("doc_count", 0),
            at_risk=groups.get("risk", {}).get("doc_count", 0),
            review=statuses.get("tinjauan", 0),
            statuses=statuses,
            units=tuple(_unit(bucket) for bucket in groups.get("unit", {}).get("buckets", [])),
            minutes=_series(minutes, first_minute, timedelta(minutes=1), 60),
            hours=_series(hours, first_hour, timedelta(hours=1), 24),
            latest=tuple(_case(hit["_source"]) for hit in latest["hits"]["hits"]),
        )

    async def _search(self, *bodies: Json) -> list[Mapping[str, Any]]:
        lines: list[Json] = []
        for body in bodies:
            lines += [{"index": self._alias, "ignore_unavailable": True, "allow_no_indices": True}, body]
        answer = await _reach(self._client.msearch(searches=lines))
        responses: Sequence[Mapping[str, Any]] = answer["responses"]
        if any("error" in response for response in responses):
            raise Unavailable("the search refused a query: run `tanggap search apply`, then look at its log")
        return list(responses)


async def _reach(call: Awaitable[Any]) -> Any:
    """The call's answer. Raises ``Unavailable`` where the search is away; ``NotFoundError`` passes."""
    try:
        return await call
    except NotFoundError:
        raise
    except (ApiError, TransportError) as error:
        raise Unavailable(f"search: {type(error).__name__}") from error


def _case(source: Mapping[str, Any]) -> Case:
    return msgspec.convert(source["case"], Case)


def _wanted(query: InboxQuery, now: datetime) -> list[Json]:
    filters: list[Json] = (
        [{"terms": {"status": list(query.statuses)}}] if query.statuses else [{"term": {"open": True}}]
    )
    if query.pressure == "terlambat":
        filters.append(_late(now))
    elif query.pressure == "berisiko":
        filters.append(_risk(now))
    return filters


def _late(now: datetime) -> Json:
    """``due_at`` looks at running clocks only; of one that ran out, its state tells."""
    ran_out = {"multi_match": {"query": "breached", "fields": ["clocks.state_*"]}}
    return {"bool": {"should": [ran_out, {"range": {"due_at": {"lt": now.isoformat()}}}], "minimum_should_match": 1}}


def _risk(now: datetime) -> Json:
    return {"range": {"due_at": {"gte": now.isoformat(), "lt": (now + AT_RISK).isoformat()}}}


def _since(moment: datetime) -> Json:
    return {"range": {"received_at": {"gte": moment.isoformat()}}}


def _backlog(now: datetime) -> Json:
    late = {"filter": _late(now)}
    return {
        "late": late,
        "risk": {"filter": _risk(now)},
        "status": {"terms": {"field": "status", "size": 20}},
        "unit": {
            "terms": {"field": "unit", "size": UNITS},
            "aggs": {"late": late, "name": {"terms": {"field": "unit_name", "size": 1}}},
        },
    }


def _inflow(interval: str) -> Json:
    steps = {"date_histogram": {"field": "received_at", "fixed_interval": interval, "min_doc_count": 1}}
    return {"channel": {"terms": {"field": "channel", "size": 30}, "aggs": {"steps": steps}}}


def _counts(response: Mapping[str, Any], name: str) -> dict[str, int]:
    buckets = response.get("aggregations", {}).get(name, {}).get("buckets", [])
    return {bucket["key"]: bucket["doc_count"] for bucket in buckets}


def _unit(bucket: Mapping[str, Any]) -> UnitLoad:
    names = bucket["name"]["buckets"]
    name = names[0]["key"] if names else bucket["key"]
    return UnitLoad(bucket["key"], name, bucket["doc_count"], bucket["late"]["doc_count"])


def _series(response: Mapping[str, Any], start: datetime, step: timedelta, length: int) -> dict[str, tuple[int, ...]]:
    series = {}
    for channel in response.get("aggregations", {}).get("channel", {}).get("buckets", []):
        counts = [0] * length
        for bucket in channel["steps"]["buckets"]:
            place = int((datetime.fromtimestamp(bucket["key"] / 1000, UTC) - start) / step)
            if 0 <= place < length:
                counts[place] += bucket["doc_count"]
        series[channel["key"]] = tuple(counts)
    return series
