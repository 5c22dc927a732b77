"""The refusals of the client: an exception a code."""

from midstage.cli.client.types import HEAD, Json, annotation, docstring, imports

_ABOUT = "What calls are refused with: an exception a code, under the family of its status."
_FAMILIES = {
    401: "Unauthenticated",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Gone",
    429: "TooMany",
    503: "Unavailable",
}
OTHER_FAMILY = "Invalid"
# JSON has fewer types than a figure may have had; what is shown is what comes.
_AS_TEXT = ("UUID", "dt.datetime", "dt.date", "dt.time", "Decimal")


def problems(api: Json) -> dict[str, tuple[str, Json]]:
    """By code: the name of its class, and its schema."""
    found: dict[str, tuple[str, Json]] = {}
    for name, schema in api["components"]["schemas"].items():
        properties = schema.get("properties", {})
        if properties.get("type", {}).get("const") == "about:blank":
            said = name.removesuffix("Problem")
            # Of an address that is none: its name is that of a family.
            found[properties["code"]["const"]] = (f"Plain{said}" if said in _FAMILIES.values() else said, schema)
    return dict(sorted(found.items()))


def text(api: Json) -> str:
    """The module `refusals`."""
    found = problems(api)
    body = "\n\n".join(_refusal(code, name, schema) for code, (name, schema) in found.items())
    used = sorted({_family(schema) for _, schema in found.values()})
    table = "".join(f'    "{code}": {name},\n' for code, (name, _) in found.items())
    needed = imports(body + "ClassVar")
    return (
        HEAD.format(about=_ABOUT)
        + f"{needed}\n\nfrom midstage_client.core import {', '.join(sorted([*used, 'Refused']))}\n\n\n{body}"
        + f"\n\nBY_CODE: dict[str, type[Refused]] = {{\n{table}}}\n"
    )


def _family(schema: Json) -> str:
    return _FAMILIES.get(schema["properties"]["status"]["const"], OTHER_FAMILY)


def _refusal(code: str, name: str, schema: Json) -> str:
    figures: dict[str, Json] = schema["properties"]["figures"].get("properties", {})
    told = docstring(schema.get("description", code), 4)
    lines = "".join(f"    {field}: {_figure(one)}\n" for field, one in figures.items())
    return f'class {name}({_family(schema)}):\n{told}\n    code: ClassVar[str] = "{code}"\n{lines}'


def _figure(schema: Json) -> str:
    if "$ref" in schema:
        return "Any"
    kind = annotation(schema)
    for one in _AS_TEXT:
        kind = kind.replace(one, "str")
    return "Any" if "#" in kind or any(part[:1].isupper() for part in kind.replace("[", " ").split()) else kind
