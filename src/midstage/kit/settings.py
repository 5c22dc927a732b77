"""The settings of a process: read from the environment once, checked at the start."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

PREFIX = "MIDSTAGE_"


class BadSettingsError(Exception):
    """One line a bad value: which variable, what it holds, what it should be."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every field is an environment variable: `database_url` is MIDSTAGE_DATABASE_URL."""

    database_url: str | None = None
    """Any PostgreSQL 18+; without it the embedded one is started."""
    home: Path = Path()
    """Where data, binaries of the embedded PostgreSQL and logs are kept."""
    host: str = "127.0.0.1"
    port: int = 8200
    sandbox_port: int = 8201
    """Where the simulated payment provider listens (make demo starts it)."""
    api_processes: int = 2
    pool_size: int = 16
    """Connections of one process."""
    statement_timeout_ms: int = 15_000
    sandbox: bool = False
    """Show what the simulated message service was given to anybody who asks: for trying out, never with real members."""
    log_level: str = "info"
    log_format: str = "json"
    public_url: str = ""
    """How the outside reaches us, for callbacks; default is host and port."""
    metrics_port: int = 0
    """Where a worker that runs without an API beside it shows its figures to Prometheus; 0: nowhere."""
    otlp_file: str = ""
    """Where OpenTelemetry spans are appended as JSON lines; empty: none are kept."""
    sealing_key: str = ""
    """What secrets that are read again are sealed under: 32 bytes in base64, several with commas between, of which the
    first seals. Empty: the file secrets/sealing_key of the home, which the first start makes."""
    password_blocklist: Path | None = None
    """A file of leaked passwords that nobody may choose: sorted SHA-1 hashes, as Have I Been Pwned gives them out."""

    key_calls_per_minute: int = 1_200
    """How many calls an API key may make, unless it has a limit of its own; 0: no limit."""
    session_calls_per_minute: int = 6_000
    """How many calls somebody may make who signed in; 0: no limit."""
    visitor_calls_per_minute: int = 1_200
    """How many calls may come from one address of people who did not sign in; 0: no limit."""
    sign_in_calls_per_minute: int = 30
    """How many passwords and codes may be tried or asked for from one address; 0: no limit."""


_RANGES: dict[str, tuple[int, int]] = {
    "port": (1, 65535),
    "sandbox_port": (1, 65535),
    "metrics_port": (0, 65535),
    "api_processes": (1, 256),
    "pool_size": (2, 1000),
    "statement_timeout_ms": (100, 3_600_000),
    "key_calls_per_minute": (0, 1_000_000),
    "session_calls_per_minute": (0, 1_000_000),
    "visitor_calls_per_minute": (0, 1_000_000),
    "sign_in_calls_per_minute": (0, 1_000_000),
}
_PATHS = frozenset({"home", "password_blocklist"})
_CHOICES: dict[str, tuple[str, ...]] = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("json", "console"),
}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check all of MIDSTAGE_*. Raises BadSettingsError that names every bad value at once."""
    source = os.environ if environment is None else environment
    given: dict[str, Any] = {}
    wrong: list[str] = []
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    for variable, text in source.items():
        if not variable.startswith(PREFIX) or (variable == f"{PREFIX}HOME" and not text):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in fields:
            wrong.append(f"{variable} is not a setting; the settings are {', '.join(_variables(fields))}")
            continue
        try:
            given[name] = Path(text) if name in _PATHS else msgspec.convert(text, fields[name].type, strict=False)
        except msgspec.ValidationError:
            wrong.append(f"{variable}={text!r} should be a whole number")
    wrong += _out_of_range(given)
    if wrong:
        raise BadSettingsError("\n".join(wrong))
    given.setdefault("home", _default_home(source))
    settings = Settings(**given)
    return (
        settings
        if settings.public_url
        else msgspec.structs.replace(settings, public_url=f"http://{settings.host}:{settings.port}")
    )


def _out_of_range(given: dict[str, Any]) -> list[str]:
    wrong = [
        f"{PREFIX}{name.upper()}={given[name]} should be within {low} and {high}"
        for name, (low, high) in _RANGES.items()
        if name in given and not low <= given[name] <= high
    ]
    wrong += [
        f"{PREFIX}{name.upper()}={given[name]!r} should be one of {', '.join(choices)}"
        for name, choices in _CHOICES.items()
        if name in given and given[name] not in choices
    ]
    url = given.get("database_url")
    if url is not None and not url.startswith(("postgresql://", "postgres://")):
        wrong.append(f"{PREFIX}DATABASE_URL should look like postgresql://user:password@host:5432/database")
    return wrong


def _variables(names: Mapping[str, Any]) -> list[str]:
    return [PREFIX + name.upper() for name in names]


def _default_home(source: Mapping[str, str]) -> Path:
    """Root serves the whole machine; anybody else keeps it in their own home."""
    if os.geteuid() == 0:
        return Path("/var/lib/midstage")
    data_home = source.get("XDG_DATA_HOME")
    return (Path(data_home) if data_home else Path.home() / ".local" / "share") / "midstage"
