"""Index templates, indices and aliases: ``tanggap search apply``. Safe to repeat.

Everyone reads and writes by alias (``pengaduan-kasus``); behind it stands a numbered index (``pengaduan-kasus-v1``),
so that a rebuilt one can take its place in one step.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import msgspec
import structlog
from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from pipeline.settings import CoreSettings

from .views import VIEWS, View
from .writer import connect

log = structlog.get_logger(__name__)

STEMMING, PLAIN = "indonesian", "standard"
PRIORITY = 500
"""Above the templates that Elasticsearch ships."""
DYNAMIC_SETTINGS = ("refresh_interval", "auto_expand_replicas")


class SearchSetupError(Exception):
    """The search engine is in a state that a person must put right; the message says how."""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of ``indexer/data``: settings and mappings as Elasticsearch names them."""

    settings: dict[str, Any]
    mappings: dict[str, Any]


@dataclass(frozen=True)
class Applied:
    """State of one view. ``created``: the index is new and empty; ``rebuild``: its mapping differs from the template in
    what cannot be changed in place, so ``tanggap rebuild`` is due."""

    alias: str
    index: str
    created: bool
    rebuild: bool


def load(name: str) -> Template:
    """The template in ``indexer/data/<name>.json``. Raises ``SearchSetupError`` naming the file and the place in it."""
    file = resources.files(__package__).joinpath("data", f"{name}.json")
    try:
        template = msgspec.json.decode(file.read_bytes(), type=Template)
    except msgspec.DecodeError as error:
        raise SearchSetupError(f"{file}: {error}: mend the file") from error
    if template.mappings.get("dynamic") != "strict":
        raise SearchSetupError(f"{file}: mappings.dynamic must be strict: unknown fields would pass unseen")
    return template


def search_apply(settings: CoreSettings, views: Sequence[View] = VIEWS) -> list[Applied]:
    """Creates or updates templates, indices and aliases. Raises elasticsearch-py's errors and ``SearchSetupError``."""
    client = connect(settings)
    try:
        return apply(client, views)
    finally:
        client.close()


def apply(client: Elasticsearch, views: Sequence[View]) -> list[Applied]:
    """See :func:`search_apply`."""
    analyzer = usable_analyzer(client)
    return [_apply(client, view, _fitted(load(view.template), analyzer)) for view in views]


def current(client: Elasticsearch, alias: str) -> str | None:
    """Name of the index behind ``alias``; None when there is none. Raises ``SearchSetupError`` for several."""
    try:
        found = client.indices.get_alias(name=alias).body
    except NotFoundError:
        return None
    if len(found) > 1:
        raise SearchSetupError(f"alias {alias} points to {', '.join(sorted(found))}: remove it from all but one")
    return next(iter(found), None)


def versions(client: Elasticsearch, alias: str) -> dict[int, str]:
    """Existing numbered indices of ``alias`` by number."""
    names = client.indices.get(index=f"{alias}-v*").body
    numbered = {name: re.fullmatch(re.escape(alias) + r"-v(\d+)", name) for name in names}
    return {int(match[1]): name for name, match in numbered.items() if match}


def create(client: Elasticsearch, index: str, alias: str) -> bool:
    """Creates ``index`` behind ``alias``; False when another process was first. Raises ``SearchSetupError``."""
    try:
        client.indices.create(index=index, aliases={alias: {"is_write_index": True}})
    except BadRequestError as error:
        if error.error == "resource_already_exists_exception":
            return False
        raise SearchSetupError(
            f"cannot create {index} behind alias {alias} ({error.error}): "
            f"if an index is called {alias}, delete it; then run tanggap search apply and tanggap rebuild"
        ) from error
    return True


def usable_analyzer(client: Elasticsearch) -> str:
    """The Indonesian analyzer where the engine has it; the embedded stand-in may fall back to plain words."""
    try:
        client.indices.analyze(analyzer=STEMMING, text="lampu")
    except BadRequestError:
        return PLAIN
    return STEMMING


def _fitted(template: Template, analyzer: str) -> Template:
    mappings = copy.deepcopy(template.mappings)
    for field in mappings["properties"].values():
        if field.get("analyzer") == STEMMING:
            field["analyzer"] = analyzer
    return Template(template.settings, mappings)


def _apply(client: Elasticsearch, view: View, template: Template) -> Applied:
    body = {"settings": template.settings, "mappings": template.mappings}
    client.indices.put_index_template(
        name=view.alias, index_patterns=[f"{view.alias}-v*"], priority=PRIORITY, template=body
    )
    index = current(client, view.alias)
    if index is None:
        index = f"{view.alias}-v{max(versions(client, view.alias), default=0) + 1}"
        if create(client, index, view.alias):
            log.info("search.index_created", path=index)
            return Applied(view.alias, index, created=True, rebuild=False)
    return Applied(view.alias, index, created=False, rebuild=not _update(client, index, template))


def _update(client: Elasticsearch, index: str, template: Template) -> bool:
    """Brings the index up to the template as far as that goes in place."""
    changeable = {name: template.settings[name] for name in DYNAMIC_SETTINGS if name in template.settings}
    client.indices.put_settings(index=index, settings=changeable)
    try:
        client.indices.put_mapping(index=index, body=template.mappings)
    except BadRequestError:
        log.warning("search.mapping_differs", path=index, hint="run tanggap rebuild")
        return False
    return True
