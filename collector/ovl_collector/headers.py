"""Resources and scopes: decoded once, known by a hash of their content from then on.

Every batch repeats them, so spans carry the hash. It is made from canonical JSON (keys sorted),
so the same resource has the same id in every segment, recording and process.
"""

from __future__ import annotations

import hashlib
from typing import Final

import orjson
from opentelemetry.proto.common.v1.common_pb2 import EntityRef, KeyValue

from ovl_collector import reduced
from ovl_collector.anyvalue import map_json
from ovl_collector.decoded import Row

_MEMO_ENTRIES: Final = 1024
_MEMO_BYTES: Final = 8192


def content_id(*parts: str | int | None) -> int:
    """64-bit id of a row's content; stable over time, machines and versions."""
    digest = hashlib.blake2b(orjson.dumps(parts), digest_size=8).digest()
    return int.from_bytes(digest, "little")


class Headers:
    """Decodes raw Resource and InstrumentationScope messages to (id, row), with a memo.

    Raises UnicodeDecodeError or DecodeError for a header that can not be read; its spans are then
    rejected one and all, and the other groups of the request are stored.
    """

    def __init__(self) -> None:
        self._memo: dict[tuple[str, bytes, bytes], tuple[int, Row]] = {}

    def resource(self, raw: bytes, schema_url: bytes) -> tuple[int, Row]:
        key = ("resource", raw, schema_url)
        return self._memo.get(key) or self._remember(key, _resource(raw, schema_url))

    def scope(self, raw: bytes, schema_url: bytes) -> tuple[int, Row]:
        key = ("scope", raw, schema_url)
        return self._memo.get(key) or self._remember(key, _scope(raw, schema_url))

    def _remember(self, key: tuple[str, bytes, bytes], found: tuple[int, Row]) -> tuple[int, Row]:
        if len(key[1]) <= _MEMO_BYTES:
            if len(self._memo) >= _MEMO_ENTRIES:
                self._memo.clear()
            self._memo[key] = found
        return found


def _canonical(attributes: list[KeyValue]) -> str:
    return map_json(sorted(attributes, key=lambda item: item.key)) or "{}"


def _resource(raw: bytes, schema_url: bytes) -> tuple[int, Row]:
    message = reduced.Resource.FromString(raw)
    attributes = [KeyValue.FromString(item) for item in message.attributes]
    text = _canonical(attributes)
    dropped = message.dropped_attributes_count
    url = schema_url.decode()
    refs = [EntityRef.FromString(item) for item in message.entity_refs]
    entity_refs = (
        orjson.dumps(
            [
                {
                    "schema_url": ref.schema_url,
                    "type": ref.type,
                    "id_keys": list(ref.id_keys),
                    "description_keys": list(ref.description_keys),
                }
                for ref in refs
            ]
        ).decode()
        if refs
        else None
    )
    identifier = content_id("resource", text, dropped, entity_refs, url)
    names = {
        item.key: item.value.string_value
        for item in attributes
        if item.value.HasField("string_value")
    }
    return identifier, (
        identifier,
        text,
        dropped,
        entity_refs,
        url,
        names.get("service.name"),
        names.get("voiceload.run.id"),
    )


def _scope(raw: bytes, schema_url: bytes) -> tuple[int, Row]:
    message = reduced.Scope.FromString(raw)
    name, version, url = message.name.decode(), message.version.decode(), schema_url.decode()
    text = _canonical([KeyValue.FromString(item) for item in message.attributes])
    dropped = message.dropped_attributes_count
    identifier = content_id("scope", name, version, text, dropped, url)
    return identifier, (identifier, name, version, text, dropped, url)
