"""The OpenAPI of all fronts, and a page that shows it and loads nothing from outside."""

import html
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from midstage import __version__


def openapi_config() -> OpenAPIConfig:
    """OpenAPI 3.1 at /openapi.json, made from the types of the handlers."""
    return OpenAPIConfig(
        title="Midstage",
        version=__version__,
        description="One big middle and many small fronts. Amounts are integer minor units, quantities thousandths.",
        path="/",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", description="A token from a sign-in call")
            }
        ),
        use_handler_docstrings=True,
    )


@get("/docs", include_in_schema=False, media_type=MediaType.HTML)
async def docs_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Every call on one page, by front, with what it takes, gives and refuses."""
    paths: dict[str, dict[str, Any]] = request.app.openapi_schema.to_schema()["paths"]
    rows: dict[str, list[str]] = {}
    for path, item in sorted(paths.items()):
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                call: dict[str, Any] = item[method]
                rows.setdefault(call.get("tags", ["other"])[0], []).append(_call(path, method, call))
    body = "".join(f"<h2>{html.escape(tag)}</h2>{''.join(calls)}" for tag, calls in sorted(rows.items()))
    return Response(_PAGE.replace("{version}", __version__).replace("{body}", body))


def _call(path: str, method: str, call: dict[str, Any]) -> str:
    taken = "".join(
        f"<tr><td><code>{html.escape(p['name'])}</code></td><td>{html.escape(p['in'])}</td>"
        f"<td>{'required' if p.get('required') else ''}</td><td>{html.escape(p.get('description') or '')}</td></tr>"
        for p in call.get("parameters", [])
    )
    body = _schema_name(call.get("requestBody", {}).get("content", {}))
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{html.escape(answer.get('description') or '')}</td>"
        f"<td>{_schema_name(answer.get('content', {}))}</td></tr>"
        for status, answer in sorted(call.get("responses", {}).items())
    )
    return (
        f"<details><summary><b class='{method}'>{method.upper()}</b> <code>{html.escape(path)}</code> "
        f"{html.escape(call.get('summary') or '')}</summary>"
        f"<p>{html.escape(call.get('description') or '')}</p>"
        + (f"<h3>Takes</h3><table>{taken}</table>" if taken else "")
        + (f"<p>Body: {body}</p>" if body else "")
        + f"<h3>Answers</h3><table>{answers}</table></details>"
    )


def _schema_name(content: dict[str, Any]) -> str:
    for media in content.values():
        schema: dict[str, Any] = media.get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2] or schema.get("title") or schema.get("type") or ""
        return f"<code>{html.escape(str(name))}</code>"
    return ""


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Midstage API</title><style>
:root{color-scheme:light dark;--line:#8884}
body{font:16px/1.5 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code{font:14px ui-monospace,monospace}details{border-top:1px solid var(--line);padding:.5rem 0}
summary{cursor:pointer;min-height:28px}summary b{display:inline-block;width:4.5rem;font-size:14px}
h3{font-size:14px;margin:.5rem 0 0}table{border-collapse:collapse;width:100%;font-size:14px}
td{border-top:1px solid var(--line);padding:.25rem .5rem .25rem 0;vertical-align:top}
</style><h1>Midstage API {version}</h1>
<p>Machine-readable: <a href="/openapi.json">openapi.json</a>. Amounts are integer minor units (fen, cents), quantities
thousandths of the unit, times UTC. Refusals are problem JSON with a <code>code</code>.</p>{body}</html>"""
