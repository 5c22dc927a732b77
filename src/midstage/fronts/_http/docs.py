"""The OpenAPI as a page for people: every call with what it takes, gives and refuses. It loads nothing from outside."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from litestar import MediaType, Response, get

from midstage.fronts._http.desk import AnyRequest
from midstage.fronts._http.openapi import METHODS, REF, document
from midstage.fronts._http.schemas import INT64_MAX, INT64_MIN, Json


@get("/docs", media_type=MediaType.HTML)
async def docs_page(request: AnyRequest) -> Response[bytes]:
    """The page; made by the first who asks."""
    state = request.app.state
    if "docs" not in state:
        state["docs"] = page_of(document(request.app)).encode()
    return Response(
        state["docs"],
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"},
    )


def page_of(api: Json) -> str:
    """The whole page, of an OpenAPI document."""
    by_tag: dict[str, list[tuple[str, str, Json]]] = {}
    for path, item in api["paths"].items():
        for method in METHODS:
            if method in item:
                by_tag.setdefault(item[method]["tags"][0], []).append((path, method, item[method]))
    sections = "".join(_section(api, tag, by_tag[tag]) for tag in sorted(by_tag))
    menu = "".join(_menu(tag, by_tag[tag]) for tag in sorted(by_tag))
    schemas = "".join(
        _schema(name, schema) for name, schema in api["components"]["schemas"].items() if not name.endswith("Problem")
    )
    parts = {
        "version": html.escape(api["info"]["version"]),
        "about": _prose(api["info"]["description"]),
        "menu": menu,
        "sections": sections,
        "schemas": schemas,
        "count": str(sum(len(calls) for calls in by_tag.values())),
        "style": _STYLE,
        "script": _SCRIPT,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _PAGE)


def _section(api: Json, tag: str, calls: Iterable[tuple[str, str, Json]]) -> str:
    shown = "".join(_call(api, path, method, call) for path, method, call in calls)
    return f'<section><h2 id="{_anchor(tag)}">{_link(_anchor(tag), html.escape(tag))}</h2>{shown}</section>'


def _menu(tag: str, calls: Iterable[tuple[str, str, Json]]) -> str:
    rows = "".join(
        f'<li data-find="{_find(path, method, call)}">'
        f'<a href="#{call["operationId"]}" title="{html.escape(call["summary"])}"><b class="{method}">{method.upper()}</b> {_short(path)}</a></li>'
        for path, method, call in calls
    )
    return f'<li class="group"><a href="#{_anchor(tag)}">{html.escape(tag)}</a><ul>{rows}</ul></li>'


def _short(path: str) -> str:
    """The end of an address, without what all calls of its front begin with."""
    return html.escape(re.sub(r"^/v\d+/\w+(/\{brand\})?/", "", path)).replace("/", "/<wbr>")


def _call(api: Json, path: str, method: str, call: Json) -> str:
    name = call["operationId"]
    shown = re.sub(r"(\{\w+\})", r"<i>\1</i>", html.escape(path).replace("/", "/<wbr>"))
    parts = [
        f'<details class="call" id="{name}" data-find="{_find(path, method, call)}"><summary>',
        f'<b class="{method}">{method.upper()}</b><code>{shown}</code><span>{html.escape(call["summary"])}</span></summary>',
        f'<div class="inside"><p class="meta">{_link(name, html.escape(name))} · {_audience(call)}</p>',
        _prose(call.get("description", "")),
    ]
    parameters = [_resolved(api, one) for one in call.get("parameters", [])]
    if parameters:
        parts.append(_table("Takes", ("Name", "In", "What"), map(_parameter, parameters)))
    if body := call.get("requestBody"):
        parts.append("<h3>Body</h3>" + _content(body) + _prose(body.get("description", "")))
    answers = [(status, _resolved(api, answer)) for status, answer in call["responses"].items()]
    good = [_good(status, answer) for status, answer in answers if status < "4"]
    bad = [row for status, answer in answers if status >= "4" for row in _bad(api, status, answer)]
    parts.append(_table("Answers", ("Status", "What"), good))
    parts.append(_table("Refuses", ("Status", "Code", "When"), bad))
    return "".join(parts) + "</div></details>"


def _audience(call: Json) -> str:
    names = [name for one in call.get("security", []) for name in one]
    said = "anybody" if not names else " or ".join(names) + (", or nobody" if {} in call["security"] else "")
    permission = call.get("x-permission")
    return f"for {said}" + (f", with <code>{html.escape(permission)}</code>" if permission else "")


def _parameter(one: Json) -> tuple[str, ...]:
    needed = " <em>required</em>" if one.get("required") else ""
    return (
        f"<code>{html.escape(one['name'])}</code>{needed}",
        html.escape(one["in"]),
        _kind(one["schema"]) + _note(one.get("description")),
    )


def _good(status: str, answer: Json) -> tuple[str, ...]:
    return f"<code>{status}</code>", (_content(answer) or "no content") + _note(answer["description"])


def _bad(api: Json, status: str, answer: Json) -> Iterable[tuple[str, ...]]:
    for media in answer["content"].values():
        for option in media["schema"].get("oneOf", [media["schema"]]):
            problem = api["components"]["schemas"][option["$ref"].removeprefix(REF)]
            figures = problem["properties"]["figures"].get("properties", {})
            said = html.escape(problem["description"])
            said += (
                f" <small>Figures: {', '.join(f'<code>{name}</code>' for name in figures)}</small>" if figures else ""
            )
            yield f"<code>{status}</code>", f"<code>{problem['properties']['code']['const']}</code>", said


def _content(of: Json) -> str:
    rows = [
        f"{_kind(media['schema'])} <small>{html.escape(kind)}</small>" for kind, media in of.get("content", {}).items()
    ]
    return "<br>".join(rows)


def _schema(name: str, schema: Json) -> str:
    about = _prose(schema.get("description", ""))
    if "enum" in schema:
        inside = "<p>" + " ".join(f"<code>{html.escape(str(one))}</code>" for one in schema["enum"]) + "</p>"
    else:
        required = set(schema.get("required", ()))
        rows = [
            (
                f"<code>{html.escape(field)}</code>{'' if field in required else ' <em>optional</em>'}",
                _kind(kind) + _note(kind.get("description")),
            )
            for field, kind in schema.get("properties", {}).items()
        ]
        closed = (
            "<p><small>Other fields are refused.</small></p>" if schema.get("additionalProperties") is False else ""
        )
        inside = _table("", ("Field", "What"), rows) + closed
    anchor = f"schema-{name}"
    return (
        f'<details class="schema" id="{anchor}" data-find="{html.escape(name.lower())}">'
        f'<summary><code>{html.escape(name)}</code></summary><div class="inside">'
        f'<p class="meta">{_link(anchor, "link to this")}</p>{about}{inside}</div></details>'
    )


def _kind(schema: Json) -> str:
    """A type in a few words, with links to what it refers to."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        return f'<a href="#schema-{name}"><code>{name}</code></a>'
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_kind(one) for one in options)
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
        return " | ".join(f"<code>{html.escape(str(one))}</code>" for one in values)
    return _plain(schema) + _limits(schema)


def _plain(schema: Json) -> str:
    kind = schema.get("type", "anything")
    inner: Json | bool = schema.get("items") or schema.get("additionalProperties") or {}
    if kind == "array":
        return f"list of {_kind(inner) if isinstance(inner, dict) else 'anything'}"
    if kind == "object":
        return f"map of {_kind(inner)}" if inner and isinstance(inner, dict) else "object"
    said = " or ".join(cast("list[str]", kind)) if isinstance(kind, list) else str(kind)
    return html.escape(said.replace("string", schema.get("format", "string")))


def _limits(schema: Json) -> str:
    least = schema.get("minimum", schema.get("minLength", schema.get("minItems")))
    most = schema.get("maximum", schema.get("maxLength", schema.get("maxItems")))
    said: list[str] = []
    if least not in (None, INT64_MIN) or most not in (None, INT64_MAX):
        low, high = ("" if one in (None, INT64_MIN, INT64_MAX) else f"{one:,}" for one in (least, most))
        said.append(f"{low}…{high}")
    if "pattern" in schema:
        said.append(f"<code>{html.escape(schema['pattern'])}</code>")
    if schema.get("default") not in (None, "", [], {}):
        said.append(f"default {html.escape(json.dumps(schema['default'], ensure_ascii=False))}")
    if examples := schema.get("examples"):
        said.append("for example " + ", ".join(f"<code>{html.escape(str(one))}</code>" for one in examples))
    return f" <small>{', '.join(said)}</small>" if said else ""


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    shown = f"<h3>{title}</h3>" if title else ""
    return (
        f'{shown}<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        if body
        else ""
    )


def _resolved(api: Json, one: Json) -> Json:
    if "$ref" not in one:
        return one
    found: Any = api
    for part in one["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def _prose(text: str) -> str:
    """Paragraphs with `code` and **bold**, which is all that our docstrings use."""
    escaped = html.escape(text.strip(), quote=False)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    escaped = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped)
    return "".join(f"<p>{part}</p>" for part in escaped.split("\n\n") if part)


def _note(text: str | None) -> str:
    return f"<br><small>{html.escape(text.splitlines()[0])}</small>" if text else ""


def _find(path: str, method: str, call: Mapping[str, Any]) -> str:
    words = (method, path, call["operationId"], call["summary"], call.get("x-permission") or "", *call["tags"])
    return html.escape(" ".join(words).lower())


def _link(anchor: str, text: str) -> str:
    return f'<a class="here" href="#{anchor}">{text}</a>'


def _anchor(tag: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", tag.lower()).strip("-")


_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--paper:#fff;--shade:#f6f8fa;--main:#0550ae;
--get:#116329;--post:#0550ae;--put:#7a4b00;--patch:#6639a6;--delete:#a40e26}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#30363d;--paper:#0d1117;--shade:#161b22;
--main:#79b8ff;--get:#56d364;--post:#79b8ff;--put:#e3b341;--patch:#d2a8ff;--delete:#ff9492}}
*{box-sizing:border-box}html{scroll-padding-top:72px}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif}
a{color:var(--main);text-underline-offset:2px}code{font:.875em/1.4 ui-monospace,Menlo,Consolas,"Noto Sans Mono",monospace;overflow-wrap:anywhere}
small{font-size:14px;color:var(--soft)}em{font-style:normal;font-size:12px;color:var(--soft);white-space:nowrap}
:focus-visible{outline:2px solid var(--main);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-999px}.skip:focus{left:16px;top:8px;z-index:3;background:var(--paper);padding:8px}
header{position:sticky;top:0;z-index:2;background:var(--paper);border-bottom:1px solid var(--line);display:flex;gap:16px;align-items:center;
padding:8px 24px;height:60px}header strong{font-size:20px;white-space:nowrap}header span{color:var(--soft);font-size:14px;white-space:nowrap}
input{flex:1;min-width:0;max-width:480px;height:44px;padding:0 12px;font:inherit;color:inherit;background:var(--shade);
border:1px solid var(--line);border-radius:8px}header a{margin-left:auto;white-space:nowrap;line-height:44px}
.page{display:grid;grid-template-columns:288px minmax(0,1fr);max-width:1440px;margin:0 auto}
nav{position:sticky;top:60px;height:calc(100vh - 60px);overflow:auto;padding:16px 8px 16px 24px;border-right:1px solid var(--line);font-size:14px}
nav ul{list-style:none;margin:0;padding:0}nav .group>a{font-weight:600;color:var(--ink)}nav .group{margin-bottom:16px}
nav b{font-size:11px}nav li a{overflow-wrap:anywhere;color:var(--ink)}nav a{display:block;padding:4px 8px;text-decoration:none;border-radius:4px}nav a:hover{background:var(--shade)}
main{padding:16px 32px 96px;min-width:0}main>p{max-width:72ch}h1{font-size:28px;line-height:1.2;margin:16px 0}
h2{font-size:20px;margin:40px 0 8px}h3{font-size:14px;margin:24px 0 4px}h2 a.here{color:inherit;text-decoration:none}h2 a.here:hover{text-decoration:underline}
details{border:1px solid var(--line);border-radius:8px;margin:8px 0;background:var(--paper)}
summary{cursor:pointer;min-height:44px;padding:8px 12px;display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;border-radius:8px}
summary:hover{background:var(--shade)}summary::-webkit-details-marker{display:none}summary b{width:60px;font-size:12px;letter-spacing:.02em}
summary span{color:var(--soft);font-size:14px}summary i{font-style:normal;color:var(--soft)}details[open]>summary{border-bottom:1px solid var(--line);border-radius:8px 8px 0 0}
.get{color:var(--get)}.post{color:var(--post)}.put{color:var(--put)}.patch{color:var(--patch)}.delete{color:var(--delete)}
.inside{padding:4px 16px 16px}.meta{color:var(--soft);font-size:14px}.meta .here{color:inherit}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:600;color:var(--soft)}th,td{border-top:1px solid var(--line);padding:6px 12px 6px 0;vertical-align:top}
thead th{border-top:0}td:first-child{white-space:nowrap}[hidden]{display:none!important}#none{color:var(--soft)}
@media(min-width:901px){td:nth-child(2) code{overflow-wrap:normal}}
@media(max-width:900px){.page{display:block}nav{display:none}main{padding:0 16px 64px}header{padding:8px 16px;gap:12px}header span,header strong{display:none}input{max-width:none}
summary{padding:8px}summary code{flex:1;min-width:0}summary span{flex-basis:100%}summary b{width:52px}.inside{padding:4px 8px 12px}td:first-child{white-space:normal}}
"""

_SCRIPT = """
(function(){
var box=document.getElementById('filter'),none=document.getElementById('none'),said=document.getElementById('said');
var rows=[].slice.call(document.querySelectorAll('[data-find]')),calls=document.querySelectorAll('.call').length;
function filter(){
 var words=box.value.toLowerCase().split(/\\s+/).filter(Boolean),left=0;
 rows.forEach(function(row){
  row.hidden=!words.every(function(word){return row.dataset.find.indexOf(word)>=0});
  if(!row.hidden&&row.className==='call')left++;
 });
 document.querySelectorAll('section,.group').forEach(function(part){part.hidden=!part.querySelector('[data-find]:not([hidden])')});
 none.hidden=!document.querySelector('main section:not([hidden])')?false:true;
 said.textContent=words.length?left+' of '+calls+' calls':calls+' calls';
}
function open(){
 var found=location.hash.length>1&&document.getElementById(decodeURIComponent(location.hash.slice(1)));
 if(!found)return;
 if(found.hidden||found.closest('[hidden]')){box.value='';filter()}
 if(found.tagName==='DETAILS'){found.open=true;found.querySelector('summary').focus({preventScroll:true})}
 found.scrollIntoView();
}
box.addEventListener('input',filter);
document.addEventListener('keydown',function(event){
 if(event.key==='/'&&document.activeElement!==box){event.preventDefault();box.focus();box.select()}
 if(event.key==='Escape'&&document.activeElement===box){box.value='';filter()}
});
document.addEventListener('click',function(event){
 var link=event.target.closest&&event.target.closest('a[href^="#"]');
 if(link&&link.getAttribute('href')===location.hash){event.preventDefault();open()}
});
window.addEventListener('hashchange',open);filter();open();
})();
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Midstage API {{version}}</title>
<link rel="icon" href="data:,">
<style>{{style}}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header><strong>Midstage API</strong><span>{{version}}</span>
<input id="filter" type="search" placeholder="Filter: path, word, permission  ( / )" aria-label="Filter the calls" autocomplete="off" spellcheck="false">
<span id="said" role="status">{{count}} calls</span><a href="/openapi.json">openapi.json</a></header>
<div class="page">
<nav aria-label="Calls"><ul>{{menu}}<li class="group"><a href="#schemas">Schemas</a></li></ul></nav>
<main id="content" tabindex="-1">
<h1>Midstage API</h1>
{{about}}
{{sections}}
<p id="none" hidden>Nothing has all of these words. Press Esc to see everything again.</p>
<section><h2 id="schemas"><a class="here" href="#schemas">Schemas</a></h2>{{schemas}}</section>
</main>
</div>
<script>{{script}}</script>
</body>
</html>
"""

# The page needs no more than itself; should text of ours ever hold a script, it does not run.
_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
