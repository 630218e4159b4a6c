"""``schemas/rule.schema.json``: what an editor with a YAML language server knows of rule files.

``python -m ostiary.language.json_schema`` prints it; a test holds the file to it. It completes keys, fields and modifiers and finds
mistakes of shape; what words mean together is `ostiary check`'s. JSON Schema draft 7, which all such servers read.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, get_args

from pydantic.json_schema import models_json_schema

from ostiary.language.document import OUR_CATEGORIES, SIGMA_KEYS
from ostiary.language.escalation import PolicyModel
from ostiary.language.models import MAX_TITLE_CHARS, CorrelationDocument, ExemptionDocument, Metadata, Ours, RuleTestDocument
from ostiary.language.modifiers import ALIASES, REGISTRY
from ostiary.language.thresholds import OPERATORS
from ostiary.vocabulary.fields import COLLECTIONS, FIELD_FAMILIES, REQUEST_FIELDS, SIGMA_TAXONOMY, FieldInfo
from ostiary.vocabulary.rule import LEVELS, CorrelationType

Schema = dict[str, Any]
_MODELS = (Ours, RuleTestDocument, ExemptionDocument, PolicyModel, Metadata, CorrelationDocument)
_STATUS = ("stable", "test", "experimental", "deprecated", "unsupported")
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_LIST: Schema = {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}
_VALUES: Schema = {"anyOf": [_SCALAR, _LIST]}
_NUMBERS: Schema = {"anyOf": [{"type": "number"}, {"type": "array", "minItems": 1, "items": {"type": "number"}}]}
_TEXTS: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def schema() -> Schema:
    """The whole schema."""
    _, models = models_json_schema([(model, "validation") for model in _MODELS], ref_template="#/definitions/{model}")
    definitions = {**models["$defs"], **_detections()}
    correlation = definitions["CorrelationDocument"]
    correlation["properties"]["type"] = {"enum": list(get_args(CorrelationType))}
    correlation["properties"]["condition"] = _condition()
    definitions |= {"rule": _rule(), "correlation": _correlation(), "filter": _filter()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Ostiary: rules, correlations, filters, exemptions, escalation policies",
        "type": "object",
        **_branch("exemption", "ExemptionDocument", _branch("escalation", "PolicyModel", _branch("filter", "filter", _last()))),
        "definitions": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _branch(key: str, definition: str, otherwise: Schema) -> Schema:
    return {"if": {"required": [key]}, "then": _ref(definition), "else": otherwise}


def _last() -> Schema:
    return _branch("correlation", "correlation", _ref("rule"))


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _metadata() -> Schema:
    free: Schema = {key: {} for key in sorted(SIGMA_KEYS - {"detection", "correlation", "generate"})}
    date = {"type": "string", "pattern": "^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}$"}
    return free | {
        "title": {"type": "string", "minLength": 1, "maxLength": MAX_TITLE_CHARS, "description": "what the rule detects"},
        "id": {"type": "string", "minLength": 1, "description": "what verdicts say; a UUID, by custom"},
        "name": {"type": "string", "minLength": 1, "description": "what correlations, filters and exemptions call it"},
        "status": {"enum": list(_STATUS)},
        "level": {"enum": list(LEVELS)},
        "date": date,
        "modified": date,
    }


def _rule() -> Schema:
    words = ("category", "product", "service")
    ours = {"properties": {"logsource": {"required": ["product"], "properties": {"product": {"const": "ostiary"}}}}}
    request = {"properties": {"logsource": {"required": ["category"], "properties": {"category": {"const": "request"}}}}}
    return {
        "type": "object",
        "required": ["title", "logsource", "detection"],
        "properties": _metadata()
        | {
            "logsource": {
                "type": "object",
                "anyOf": [{"required": [word]} for word in words],
                "properties": {word: {"type": "string"} for word in words},
            },
            "detection": {"type": "object", "required": ["condition"], "properties": {"condition": _TEXTS, "timeframe": False}},
            "correlation": {},
            "filter": {},
            "ostiary": _ref("Ours"),
            "tests": {"type": "array", "items": _ref("RuleTestDocument")},
            "generate": False,
        },
        "allOf": [
            {
                "if": ours,
                "then": {
                    "properties": {"logsource": {"required": ["category"], "properties": {"category": {"enum": list(OUR_CATEGORIES)}}}},
                },
            },
            {
                "if": {"allOf": [ours, request]},
                "then": {"properties": {"detection": _selections("items-of-requests")}},
                "else": {"properties": {"detection": _selections("items")}},
            },
        ],
    }


def _selections(items: str) -> Schema:
    entry = {"anyOf": [_ref(items), {"type": ["string", "number", "boolean"]}]}
    return {
        "properties": {"condition": _TEXTS},
        "additionalProperties": {"anyOf": [_ref(items), {"type": "array", "minItems": 1, "items": entry}, {"type": ["string", "number"]}]},
    }


def _detections() -> Schema:
    words = "|".join(sorted([*REGISTRY.words(), *ALIASES], key=lambda word: (-len(word), word)))
    end = rf"(\|({words}))*$"
    comparing = {
        r"\|exists$": {"type": "boolean"},
        r"\|(gt|gte|lt|lte|minute|hour|day|week|month|year)(\||$)": _NUMBERS,
        r"\|fieldref(\||$)": _TEXTS,
    }
    blocks = {rf"^{re.escape(name)}\[\]$": _block(members, end) for name, members in COLLECTIONS.items()}
    exact = "|".join(re.escape(name) for name in (*REQUEST_FIELDS, *SIGMA_TAXONOMY, *_members()))
    families = "|".join(re.escape(family) for family in FIELD_FAMILIES)
    return {
        "items": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": rf"^[^|]*{end}"},
            "patternProperties": comparing,
            "additionalProperties": _VALUES,
        },
        "items-of-requests": {
            "type": "object",
            "minProperties": 1,
            "properties": {name: _field(info) for name, info in REQUEST_FIELDS.items()},
            "patternProperties": {rf"^(({exact})(\.raw)?|({families})[^|]+|(?=\|)){end}": {}, **comparing, **blocks},
            "additionalProperties": False,
        },
    }


def _members() -> list[str]:
    return [f"{collection}.{name}" for collection, members in COLLECTIONS.items() for name in members]


def _block(members: Any, end: str) -> Schema:
    names = "|".join(members)
    one = {
        "type": "object",
        "minProperties": 1,
        "properties": {name: _field(info) for name, info in members.items()},
        "patternProperties": {rf"^({names}){end}": _VALUES},
        "additionalProperties": False,
    }
    return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}


def _field(info: FieldInfo) -> Schema:
    unit = f" ({info.unit})" if info.unit not in ("", "1") else ""
    return {"description": f"{info.kind}: {info.what}{unit}", **_VALUES}


def _condition() -> Schema:
    numbers = {operator: {"type": "number"} for operator in OPERATORS}
    return {
        "anyOf": [
            {"type": "string", "minLength": 1, "description": "of temporal types: a condition over the names of rules"},
            {
                "type": "object",
                "anyOf": [{"required": [operator]} for operator in OPERATORS],
                "properties": numbers | {"field": _TEXTS, "percentile": {"type": "number", "minimum": 0, "maximum": 100}},
                "additionalProperties": False,
            },
        ]
    }


def _correlation() -> Schema:
    return {
        "type": "object",
        "required": ["title", "correlation"],
        "properties": _metadata()
        | {
            "correlation": _ref("CorrelationDocument"),
            "generate": {"type": "boolean"},
            "detection": False,
            "ostiary": _ref("Ours"),
            "tests": {"type": "array", "items": _ref("RuleTestDocument")},
        },
    }


def _filter() -> Schema:
    body = _selections("items")
    body["properties"] = {"condition": _TEXTS, "rules": _TEXTS}
    return {
        "type": "object",
        "required": ["title", "logsource", "filter"],
        "properties": _metadata()
        | {
            "filter": {"type": "object", "required": ["rules", "condition"], **body},
            "ostiary": False,
            "tests": False,
            "correlation": False,
        },
    }


if __name__ == "__main__":
    sys.stdout.write(text())
