"""Sealing: what is read again is what was sealed, about the same, under a key that we have, or nothing."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midstage.kit import sealing
from midstage.kit.sealing import CannotUnsealError, Ring
from midstage.kit.settings import BadSettingsError, Settings

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def _text(*keys: bytes) -> str:
    return ",".join(base64.b64encode(key).decode() for key in keys)


@given(plain=st.binary(max_size=300), about=st.binary(max_size=40))
def test_what_was_sealed_is_read_again(plain: bytes, about: bytes) -> None:
    ring = Ring(KEY)
    sealed = ring.seal(plain, about)
    assert ring.unseal(sealed, about) == plain
    assert sealed != ring.seal(plain, about), "a nonce is used once"
    assert len(plain) < 8 or plain not in sealed


@given(at=st.integers(0, 59), bit=st.integers(0, 7))
def test_a_single_changed_bit_is_seen(at: int, bit: int) -> None:
    ring = Ring(KEY)
    sealed = bytearray(ring.seal(b"a secret of twenty-seven by", b"row 1"))
    sealed[at] ^= 1 << bit
    with pytest.raises(CannotUnsealError):
        ring.unseal(bytes(sealed), b"row 1")


def test_a_value_in_the_place_of_another_is_not_read() -> None:
    ring = Ring(KEY)
    with pytest.raises(CannotUnsealError):
        ring.unseal(ring.seal(b"secret", b"staff 1"), b"staff 2")


@pytest.mark.parametrize("length", [0, 1, 5, 17, 32])
def test_what_is_cut_short_is_not_read(length: int) -> None:
    ring = Ring(KEY)
    with pytest.raises(CannotUnsealError):
        ring.unseal(ring.seal(b"secret", b"")[:length], b"")


def test_a_new_key_seals_and_the_old_one_still_unseals() -> None:
    old = Ring(KEY).seal(b"secret", b"row")
    rotated = Ring(OTHER, KEY)
    assert rotated.unseal(old, b"row") == b"secret"
    new = rotated.seal(b"secret", b"row")
    assert new[1:5] == rotated.key_ids[0] != old[1:5]
    assert Ring(OTHER).unseal(new, b"row") == b"secret"
    with pytest.raises(CannotUnsealError):
        Ring(OTHER).unseal(old, b"row")


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    sealed = sealing.ring_of(settings).seal(b"secret", b"row")
    path = tmp_path / "home" / "secrets" / "sealing_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["sealing_key"]
    assert sealing.ring_of(settings).unseal(sealed, b"row") == b"secret"


def test_of_many_first_starts_at_once_all_have_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        rings = list(pool.map(sealing.ring_of, [Settings(home=tmp_path)] * 16))
    assert len({ring.key_ids[0] for ring in rings}) == 1
    assert [one.name for one in (tmp_path / "secrets").iterdir()] == ["sealing_key"]


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    sealing.ring_of(Settings(home=tmp_path))
    (tmp_path / "secrets" / "sealing_key").chmod(0o644)
    with pytest.raises(BadSettingsError, match="chmod 600"):
        sealing.ring_of(Settings(home=tmp_path))


def test_keys_of_the_environment_need_no_file(tmp_path: Path) -> None:
    ring = sealing.ring_of(Settings(home=tmp_path, sealing_key=_text(OTHER, KEY)))
    assert ring.key_ids == [sealing.key_id(OTHER), sealing.key_id(KEY)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["short", _text(KEY[:16]), _text(KEY) + ",%%%", ","])
def test_a_bad_key_is_named_and_not_shown(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettingsError) as refused:
        sealing.ring_of(Settings(home=tmp_path, sealing_key=text))
    assert "MIDSTAGE_SEALING_KEY" in str(refused.value)
    assert text.split(",", maxsplit=1)[0] not in str(refused.value).replace("MIDSTAGE_SEALING_KEY", "") or text == ","


def test_a_ring_has_keys_of_the_right_length() -> None:
    for keys in ((), (b"short",), (KEY, KEY[:31])):
        with pytest.raises(ValueError, match="32 bytes"):
            Ring(*keys)


def test_the_process_seals_under_the_keys_of_its_environment() -> None:
    assert "MIDSTAGE_SEALING_KEY" in os.environ
    assert sealing.unseal(sealing.seal(b"secret", b"row"), b"row") == b"secret"
