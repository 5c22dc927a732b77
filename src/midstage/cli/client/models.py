"""The models of the client: a struct or an enum a schema."""

import json

from midstage.cli.client.types import HEAD, Json, annotation, docstring, imports, scalar_default

_ABOUT = "What calls take and give."


def text(api: Json) -> str:
    """The module `models`."""
    schemas: dict[str, Json] = api["components"]["schemas"]
    shown = {name: schema for name, schema in schemas.items() if not _is_problem(schema)}
    parts = [_enum(name, one) if "enum" in one else _struct(name, one) for name, one in shown.items()]
    body = "\n\n".join(parts)
    unset = "UNSET, UnsetType" if "UnsetType" in body else ""
    needed = [
        "from __future__ import annotations",
        "",
        imports(body),
        "",
        "import msgspec",
        *([f"from msgspec import {unset}"] if unset else []),
        "",
        "from midstage_client.core import OpenEnum",
    ]
    names = ",\n".join(f'    "{name}"' for name in sorted(shown))
    return HEAD.format(about=_ABOUT) + "\n".join(needed) + f"\n\n\n{body}\n\n__all__ = [\n{names},\n]\n"


def _is_problem(schema: Json) -> bool:
    return schema.get("properties", {}).get("type", {}).get("const") == "about:blank"


def _enum(name: str, schema: Json) -> str:
    members = "\n".join(f"    {_member(value)} = {json.dumps(value, ensure_ascii=False)}" for value in schema["enum"])
    told = docstring(schema.get("description", ""), 4)
    return f"class {name}(OpenEnum):\n{told}{_gap(told)}{members}\n"


def _member(value: str) -> str:
    named = "".join(sign if sign.isalnum() else "_" for sign in value).upper()
    return f"_{named}" if named[:1].isdigit() or not named else named


def _struct(name: str, schema: Json) -> str:
    properties: dict[str, Json] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    tag = next((field for field, one in properties.items() if "const" in one), None)
    tagged = f', tag_field="{tag}", tag={properties[tag]["const"]!r}' if tag else ""
    fields = "".join(_field(field, one, field in required) for field, one in properties.items() if field != tag)
    told = docstring(schema.get("description", ""), 4)
    head = f"class {name}(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True{tagged}):\n"
    return head + told + (_gap(told) if fields else "") + (fields or ("" if told else "    pass\n"))


def _field(name: str, schema: Json, required: bool) -> str:  # noqa: FBT001  # both are of the schema
    kind = annotation(schema)
    if required:
        line = f"    {name}: {kind}\n"
    elif (default := scalar_default(schema)) is not None:
        line = f"    {name}: {kind} = {default}\n"
    else:
        line = f"    {name}: {kind} | UnsetType = UNSET\n"
    told = "" if "$ref" in schema else schema.get("description", "")
    return line + docstring(told, 4)


def _gap(told: str) -> str:
    return "\n" if told else ""
