"""The calls of the client: a class a tag, a method a call."""

import keyword
import re
from collections.abc import Iterator

from midstage.cli.client.refusals import problems
from midstage.cli.client.types import HEAD, WIDTH, Json, annotation, docstring, imports, scalar_default, snake, title

_JSON = "application/json"
_METHODS = ("get", "post", "put", "patch", "delete")
# What any call may be refused with is not said at each.
_ANYWHERE = frozenset(
    [
        "attribute_unfit",
        "bad_cursor",
        "bad_idempotency_key",
        "beyond_keeping",
        "body_of_other_kind",
        "body_too_large",
        "body_unreadable",
        "busy",
        "character_unfit",
        "file_missing",
        "file_unreadable",
        "idempotency_key_missing",
        "key_reused_with_other_body",
        "not_found",
        "needs_whole_brand",
        "not_permitted",
        "other_audience",
        "out_of_scope",
        "parameter_unfit",
        "session_unknown",
        "sign_in_unfinished",
        "too_many_calls",
    ]
)
_CLASHES = frozenset({"self", "key", "path", "query"})


def files(api: Json) -> dict[str, str]:
    """A module a tag, by name."""
    names = {code: name for code, (name, _) in problems(api).items()}
    made: dict[str, str] = {}
    for tag, found in _by_tag(api).items():
        methods = "\n".join(_method(path, method, call, names) for path, method, call in found)
        body = f'class {title(tag)}(Group):\n    """The calls of `{tag}`."""\n\n{methods}'
        core = ["Group", *(["Method"] if "Method" in body else [])]
        head = HEAD.format(about=f"Calls of `{tag}`.")
        iterators = "from collections.abc import Iterator\n" if "Iterator[" in body else ""
        needed = f"{iterators}{imports(body, models='midstage_client')}\n".lstrip("\n")
        made[snake(tag)] = f"{head}{needed}from midstage_client.core import {', '.join(core)}\n\n\n{body}"
    return made


def groups_text(api: Json) -> str:
    """The module `groups`: every group under its front."""
    fronts: dict[str, list[str]] = {}
    for tag in _by_tag(api):
        fronts.setdefault(tag.partition(":")[0], []).append(tag)
    modules = "\n".join(
        f"from midstage_client.calls.{snake(tag)} import {title(tag)}" for tags in fronts.values() for tag in tags
    )
    parts = [_front(front, tags) for front, tags in fronts.items()]
    attributes = "\n".join(f"        self.{front} = {front.title()}(caller)" for front in fronts)
    root = (
        'class Groups:\n    """Every call, by front and group."""\n\n'
        f"    def __init__(self, caller: Caller) -> None:\n{attributes}\n"
    )
    head = HEAD.format(about="All groups of calls.")
    return f"{head}{modules}\nfrom midstage_client.core import Caller\n\n\n" + "\n\n".join([*parts, root])


def _front(front: str, tags: list[str]) -> str:
    lines = "\n".join(f"        self.{snake(tag.partition(':')[2])} = {title(tag)}(caller)" for tag in tags)
    told = f'    """The groups of the front `{front}`."""\n\n'
    return f"class {front.title()}:\n{told}    def __init__(self, caller: Caller) -> None:\n{lines}\n"


def _by_tag(api: Json) -> dict[str, list[tuple[str, str, Json]]]:
    found: dict[str, list[tuple[str, str, Json]]] = {}
    for path, item in sorted(api["paths"].items()):
        for method in _METHODS:
            if method in item:
                found.setdefault(item[method]["tags"][0], []).append((path, method, item[method]))
    return dict(sorted(found.items()))


class _Signature:
    """The parameters of a method, and how they go into the request."""

    def __init__(self, call: Json) -> None:
        own = [one for one in call["parameters"] if "name" in one]
        self.path = [one for one in own if one["in"] == "path"]
        self.query = [one for one in own if one["in"] == "query"]
        self.once = any(one.get("$ref", "").endswith("/Idempotency-Key") for one in call["parameters"])
        content = call.get("requestBody", {}).get("content", {})
        self.body = annotation(content[_JSON]["schema"], "models.") if _JSON in content else None
        self.file = bool(content) and _JSON not in content

    def parameters(self, *, without: str = "", keyed: bool = True) -> Iterator[str]:
        """As they stand in a signature."""
        yield "self"
        for one in self.path:
            yield f"{_name(one)}: {annotation(one['schema'], 'models.')}"
        if self.body:
            yield f"data: {self.body}"
        if self.file:
            yield "rows: str | bytes"
        named = [one for one in self.query if one["name"] != without]
        if named or (self.once and keyed):
            yield "*"
        for one in sorted(named, key=lambda one: not one["required"]):
            yield _query_parameter(one)
        if self.once and keyed:
            yield "idempotency_key: str | None = None"


def _name(parameter: Json) -> str:
    name: str = parameter["name"]
    return f"{name}_" if name in _CLASHES or keyword.iskeyword(name) else name


def _query_parameter(one: Json) -> str:
    kind = annotation(one["schema"], "models.")
    if one["required"]:
        return f"{_name(one)}: {kind}"
    default = scalar_default(one["schema"])
    if default is not None and default != "None":
        return f"{_name(one)}: {kind} = {default}"
    return f"{_name(one)}: {kind if 'None' in kind else f'{kind} | None'} = None"


def _method(path: str, method: str, call: Json, names: dict[str, str]) -> str:
    name = call["operationId"].partition(".")[2]
    signature = _Signature(call)
    gives, how = _gives(call)
    said = docstring(_told(call, names), 8)
    target = re.sub(r"\{(\w+)\}", lambda found: "{" + f"part({_name({'name': found[1]})})" + "}", path)
    address = f'f"{target}"' if "{" in target else f'"{target}"'
    named = [f'"{method.upper()}"', address.replace("part(", "self.part(")]
    if signature.query:
        named.append("query={" + ", ".join(f'"{one["name"]}": {_name(one)}' for one in signature.query) + "}")
    if signature.body:
        named.append("data=data")
    if signature.file:
        named.append("rows=rows")
    if signature.once:
        named += ["once=True", "key=idempotency_key"]
    if how == "ask":
        named.append(f"gives={gives}")
    lead = "" if gives == "None" else "return "
    text = _defined(name, list(signature.parameters()), gives) + said + _called(f"{lead}self.caller.{how}", named)
    each = _each(name, signature, call)
    return text + (f"\n{each}" if each else "")


def _gives(call: Json) -> tuple[str, str]:
    """What a call gives, and which way of asking gives it."""
    answer = next(one for status, one in call["responses"].items() if status.startswith("2"))
    content = answer.get("content", {})
    if not content:
        return "None", "do"
    if _JSON in content:
        return annotation(content[_JSON]["schema"], "models."), "ask"
    return "bytes", "fetch"


def _each(name: str, signature: _Signature, call: Json) -> str:
    """For a list by pages: a second method, that goes through all of them."""
    gives, _ = _gives(call)
    if not gives.startswith("models.PageOf") or not any(one["name"] == "after" for one in signature.query):
        return ""
    item = f"models.{gives.removeprefix('models.PageOf')}"
    given = [_name(one) for one in signature.path] + (["data"] if signature.body else [])
    given += [f"{_name(one)}={_name(one)}" for one in signature.query if one["name"] != "after"] + ["after=after"]
    head = _defined(f"each_{name}", list(signature.parameters(without="after", keyed=False)), f"Iterator[{item}]")
    told = docstring(f"{call['summary'].removesuffix('.')}: all of them, page by page.", 8)
    called = _called(f"page = self.{name}", given, indent=12)
    return (
        f"{head}{told}        after: str | None = None\n        while True:\n{called}"
        "            yield from page.items\n            if page.next is None:\n                return\n"
        "            after = page.next\n"
    )


def _told(call: Json, names: dict[str, str]) -> str:
    codes = {
        code
        for status, answer in call["responses"].items()
        if not status.startswith("2")
        for code in answer["$ref"].rpartition("/")[2].split(".")[1:]
    }
    raised = sorted(names[code] for code in codes - _ANYWHERE if code in names)
    parts = [call["summary"], call.get("description", ""), f"Raises {', '.join(raised)}." if raised else ""]
    return "\n\n".join(part for part in parts if part)


def _defined(name: str, parameters: list[str], gives: str) -> str:
    line = f"    def {name}({', '.join(parameters)}) -> {gives}:\n"
    if len(line) <= WIDTH:
        return line
    rows = "".join(f"        {one},\n" for one in parameters)
    return f"    def {name}(\n{rows}    ) -> {gives}:\n"


def _called(function: str, given: list[str], indent: int = 8) -> str:
    room = " " * indent
    line = f"{room}{function}({', '.join(given)})\n"
    if len(line) <= WIDTH:
        return line
    rows = "".join(f"{room}    {one},\n" for one in given)
    return f"{room}{function}(\n{rows}{room})\n"
