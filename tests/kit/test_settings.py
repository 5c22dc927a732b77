"""Settings: read once, and every bad value is named."""

import os
from pathlib import Path

import pytest

from midstage.kit.settings import BadSettingsError, Settings, read_settings


def test_nothing_set_is_enough() -> None:
    settings = read_settings({"PATH": "/bin", "HOME": "/nowhere"})
    assert settings.database_url is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8200)
    assert settings.public_url == "http://127.0.0.1:8200"


def test_every_setting_is_read_from_its_variable() -> None:
    settings = read_settings(
        {
            "MIDSTAGE_DATABASE_URL": "postgresql://shop:secret@db:5432/shop",
            "MIDSTAGE_HOME": "/srv/midstage",
            "MIDSTAGE_PORT": "9000",
            "MIDSTAGE_POOL_SIZE": "8",
            "MIDSTAGE_LOG_LEVEL": "debug",
            "MIDSTAGE_PUBLIC_URL": "https://shop.example",
        }
    )
    assert settings == Settings(
        database_url="postgresql://shop:secret@db:5432/shop",
        home=Path("/srv/midstage"),
        port=9000,
        pool_size=8,
        log_level="debug",
        public_url="https://shop.example",
    )


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MIDSTAGE_PORT", "http", "MIDSTAGE_PORT='http' should be a whole number"),
        ("MIDSTAGE_PORT", "0", "MIDSTAGE_PORT=0 should be within 1 and 65535"),
        ("MIDSTAGE_PORT", "65536", "MIDSTAGE_PORT=65536 should be within 1 and 65535"),
        ("MIDSTAGE_SANDBOX_PORT", "", "MIDSTAGE_SANDBOX_PORT='' should be a whole number"),
        ("MIDSTAGE_API_PROCESSES", "1.5", "MIDSTAGE_API_PROCESSES='1.5' should be a whole number"),
        ("MIDSTAGE_API_PROCESSES", "0", "MIDSTAGE_API_PROCESSES=0 should be within 1 and 256"),
        ("MIDSTAGE_POOL_SIZE", "1", "MIDSTAGE_POOL_SIZE=1 should be within 2 and 1000"),
        ("MIDSTAGE_STATEMENT_TIMEOUT_MS", "5", "MIDSTAGE_STATEMENT_TIMEOUT_MS=5 should be within 100 and 3600000"),
        ("MIDSTAGE_LOG_LEVEL", "loud", "MIDSTAGE_LOG_LEVEL='loud' should be one of debug, info, warning, error"),
        ("MIDSTAGE_LOG_FORMAT", "xml", "MIDSTAGE_LOG_FORMAT='xml' should be one of json, console"),
        ("MIDSTAGE_DATABASE_URL", "mysql://db", "MIDSTAGE_DATABASE_URL should look like postgresql://"),
        ("MIDSTAGE_DATABSE_URL", "postgresql://db", "MIDSTAGE_DATABSE_URL is not a setting; the settings are"),
    ],
)
def test_a_bad_value_is_named_with_what_it_should_be(variable: str, value: str, said: str) -> None:
    with pytest.raises(BadSettingsError) as error:
        read_settings({variable: value})
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_every_bad_value_is_named_at_once() -> None:
    bad = {
        "MIDSTAGE_PORT": "http",
        "MIDSTAGE_POOL_SIZE": "1",
        "MIDSTAGE_LOG_LEVEL": "loud",
        "MIDSTAGE_COLOUR": "red",
        "MIDSTAGE_HOST": "0.0.0.0",
    }
    with pytest.raises(BadSettingsError) as error:
        read_settings(bad)
    lines = str(error.value).splitlines()
    assert sorted(line.partition("=")[0].split()[0] for line in lines) == [
        "MIDSTAGE_COLOUR",
        "MIDSTAGE_LOG_LEVEL",
        "MIDSTAGE_POOL_SIZE",
        "MIDSTAGE_PORT",
    ]


def test_a_password_in_a_bad_address_is_not_repeated() -> None:
    with pytest.raises(BadSettingsError) as error:
        read_settings({"MIDSTAGE_DATABASE_URL": "mysql://shop:secret@db/shop"})
    assert "secret" not in str(error.value)


def test_an_empty_home_is_no_home() -> None:
    assert read_settings({"MIDSTAGE_HOME": ""}).home != Path()


def test_data_is_kept_in_the_users_own_home_or_machine_wide_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert read_settings({"XDG_DATA_HOME": "/home/li/data"}).home == Path("/home/li/data/midstage")
    assert read_settings({}).home == Path.home() / ".local" / "share" / "midstage"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert read_settings({"XDG_DATA_HOME": "/home/li/data"}).home == Path("/var/lib/midstage")
