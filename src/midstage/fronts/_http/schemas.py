"""JSON Schema of the types that are decoded and encoded at the edge, read off msgspec, which does both."""

import inspect
import re
from collections.abc import Iterable
from typing import Any, cast, get_args, get_origin

import msgspec
from msgspec import inspect as mi

Json = dict[str, Any]
REF = "#/components/schemas/"
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# Names that the layers give to their modules, and that tell nothing to a reader outside.
_SILENT = ("midstage", "fronts", "middle", "kit")


class Schemas:
    """The schemas that a document needs, each class once and under a name that later classes do not change.

    Ask for all that is taken before what is given: of what is given every field is there, of what is taken only
    those without a default have to be.
    """

    def __init__(self) -> None:
        self._names: dict[Any, str] = {}
        self._found: dict[str, Json] = {}
        self._giving = False

    def components(self) -> Json:
        """All schemas that were referred to, by name."""
        return {name: self._found[name] for name in sorted(self._found)}

    def add(self, name: str, schema: Json) -> Json:
        """Put a schema of one's own among the others; returns the reference to it."""
        self._found[name] = schema
        return {"$ref": REF + name}

    def taken(self, kind: Any) -> Json:
        """The schema of something that a caller sends."""
        self._giving = False
        return self._schema(mi.type_info(kind))

    def given(self, kind: Any) -> Json:
        """The schema of something that a caller gets."""
        self._giving = True
        return self._schema(mi.type_info(kind))

    def _schema(self, kind: mi.Type) -> Json:
        extra: Json = {}
        while isinstance(kind, mi.Metadata):
            extra |= cast("Json | None", kind.extra_json_schema) or {}
            kind = kind.type
        if isinstance(kind, mi.StructType | mi.EnumType | mi.DataclassType | mi.TypedDictType | mi.NamedTupleType):
            return {**self._named(kind), **extra}
        return {**self._plain(kind), **extra}

    def _named(self, kind: Any) -> Json:
        name = self._names.get(kind.cls)
        if name is None:
            name = self._names[kind.cls] = _name(kind.cls)
            if name in self._found:
                raise TypeError(f"two classes would be called {name} in the OpenAPI; rename {kind.cls}")
            self._found[name] = {}  # a tree of categories refers to itself
            self._found[name] = self._enum(kind) if isinstance(kind, mi.EnumType) else self._fields(kind)
        return {"$ref": REF + name}

    def _enum(self, kind: mi.EnumType) -> Json:
        values = [member.value for member in kind.cls]
        return {"type": "string", **_doc(kind.cls), "enum": values}

    def _fields(self, kind: Any) -> Json:
        properties: Json = {}
        required: list[str] = []
        if tag := getattr(kind, "tag_field", None):
            properties[tag] = {"const": kind.tag}
            required.append(tag)
        whole = (
            self._giving and not getattr(kind.cls, "__struct_config__", msgspec.Struct.__struct_config__).omit_defaults
        )
        for field in cast("Iterable[mi.Field]", kind.fields):
            schema = self._schema(field.type)
            if field.required or whole:
                required.append(field.encode_name)
            if not field.required and not self._giving:
                schema |= _default(field)
            properties[field.encode_name] = schema
        closed = {"additionalProperties": False} if getattr(kind, "forbid_unknown_fields", False) else {}
        return {"type": "object", **_doc(kind.cls), "properties": properties, "required": required, **closed}

    def _plain(self, kind: mi.Type) -> Json:  # noqa: C901, PLR0911, PLR0912  # one line a kind of type
        match kind:
            case mi.AnyType() | mi.RawType():
                return {}
            case mi.NoneType():
                return {"type": "null"}
            case mi.BoolType():
                return {"type": "boolean"}
            case mi.IntType():
                return {
                    "type": "integer",
                    "format": "int64",
                    "minimum": INT64_MIN,
                    "maximum": INT64_MAX,
                    **_bounds(kind),
                }
            case mi.FloatType():
                return {"type": "number", **_bounds(kind)}
            case mi.StrType():
                pattern = {"pattern": kind.pattern} if kind.pattern is not None else {}
                return {"type": "string", **_length(kind, "Length"), **pattern}
            case mi.BytesType():
                return {"type": "string", "contentEncoding": "base64"}
            case mi.UUIDType() | mi.DateType() | mi.DateTimeType() | mi.TimeType() | mi.DecimalType():
                return {"type": "string", "format": _FORMATS[type(kind)]}
            case mi.CollectionType():
                unique = {"uniqueItems": True} if isinstance(kind, mi.SetType | mi.FrozenSetType) else {}
                items = {"items": self._schema(kind.item_type)}
                return {"type": "array", **items, **_length(kind, "Items"), **(unique if self._giving else {})}
            case mi.TupleType():
                items = [self._schema(item) for item in kind.item_types]
                return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
            case mi.DictType():
                return {"type": "object", "additionalProperties": self._schema(kind.value_type)}
            case mi.LiteralType():
                return {"enum": list(kind.values)}
            case mi.UnionType():
                return self._union(kind)
            case _:
                raise TypeError(f"the OpenAPI has no schema for {kind}")

    def _union(self, kind: mi.UnionType) -> Json:
        """Any of them; `null` comes last, and into the type where there is a single plain one beside it."""
        options = [self._schema(one) for one in kind.types if not isinstance(one, mi.NoneType)]
        if len(options) == len(kind.types):
            return {"anyOf": options}
        if len(options) == 1 and isinstance(options[0].get("type"), str) and "enum" not in options[0]:
            return {**options[0], "type": [options[0]["type"], "null"]}
        return {"anyOf": [*options, {"type": "null"}]}


_FORMATS: dict[type[mi.Type], str] = {
    mi.UUIDType: "uuid",
    mi.DateType: "date",
    mi.DateTimeType: "date-time",
    mi.TimeType: "time",
    mi.DecimalType: "decimal",
}


def _name(kind: Any) -> str:
    """OrderView of fronts/mall is MallOrderView, Delivery of middle/orders OrdersDelivery, a page of the first PageOfMallOrderView."""
    origin = get_origin(kind)
    if origin is not None:
        return f"{_name(origin)}Of{''.join(_name(argument) for argument in get_args(kind))}"
    module = [part for part in kind.__module__.split(".") if part not in _SILENT]
    owner = module[0] if ".kit." not in kind.__module__ and not module[0].startswith("_") else ""
    said = re.sub(r"[^A-Za-z0-9]", "", kind.__name__)
    title = owner.title()
    return said if said.startswith(title) else title + said


def _doc(kind: Any) -> Json:
    said = inspect.cleandoc((get_origin(kind) or kind).__doc__ or "")
    return {"description": said} if said else {}


def _bounds(kind: mi.IntType | mi.FloatType) -> Json:
    named = {
        "minimum": kind.ge,
        "exclusiveMinimum": kind.gt,
        "maximum": kind.le,
        "exclusiveMaximum": kind.lt,
        "multipleOf": kind.multiple_of,
    }
    return {name: value for name, value in named.items() if value is not None}


def _length(kind: mi.StrType | mi.CollectionType, of: str) -> Json:
    named = {f"min{of}": kind.min_length, f"max{of}": kind.max_length}
    return {name: value for name, value in named.items() if value is not None}


def _default(field: mi.Field) -> Json:
    if field.default is not msgspec.NODEFAULT and field.default is not msgspec.UNSET:
        return {"default": msgspec.to_builtins(field.default)}
    if field.default_factory in (list, dict, set, frozenset):
        return {"default": msgspec.to_builtins(field.default_factory())}
    return {}
