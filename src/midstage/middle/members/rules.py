"""What a profile may hold, and how it changes. Pure; the day is an argument."""

import re
from collections.abc import Mapping
from datetime import date

from msgspec import UNSET
from msgspec.structs import replace

from midstage.middle.members.types import (
    BadFront,
    BadLabel,
    BadLevel,
    BadProfile,
    Channel,
    Consent,
    FieldKind,
    FieldValue,
    Level,
    Profile,
    ProfileChange,
    ProfileField,
    Purpose,
)

DEFAULT_LEVELS = (
    Level("basic", "普通会员", "Basic", 0, 0),
    Level("silver", "银卡会员", "Silver", 10, 1_000),
    Level("gold", "金卡会员", "Gold", 20, 5_000),
    Level("black", "黑卡会员", "Black", 30, 20_000),
)
OLDEST = date(1900, 1, 1)
MAX_NAME = 100
MAX_TEXT = 500
MAX_LABEL = 100
MAX_NUMBER = 10**15  # what a JSON reader of any language keeps exactly
_FRONT = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,29}")


def checked_front(front: str) -> str:
    """The front as given. Raises BadFront."""
    if not _FRONT.fullmatch(front):
        raise BadFront(front[:80])
    return front


def checked_label(label: str) -> str:
    """The label as given. Raises BadLabel."""
    if not label.strip() or len(label) > MAX_LABEL or "\0" in label:
        raise BadLabel
    return label


def checked_level(level: Level) -> Level:
    """The level as given. Raises BadLevel."""
    named = level.name_zh.strip() and level.name_en.strip()
    if not _CODE.fullmatch(level.code) or not named or not 0 <= level.rank <= 30_000 or level.growth_from < 0:
        raise BadLevel(level.code[:80])
    return level


def checked_field(field: ProfileField) -> ProfileField:
    """The definition of a field as given. Raises BadProfile."""
    if not _CODE.fullmatch(field.code) or not field.name_zh.strip() or not field.name_en.strip():
        raise BadProfile(field.code[:80], "须有小写编码与中英文名称", "it needs a lower-case code and both names")
    if (field.kind is FieldKind.CHOICE) != bool(field.choices) or len(set(field.choices)) != len(field.choices):
        raise BadProfile(
            field.code, "仅单选字段须有互不相同的选项", "a choice, and only a choice, has different choices"
        )
    return field


def checked_profile(profile: Profile, fields: Mapping[str, ProfileField], *, today: date) -> Profile:
    """The profile, tidied: names without blanks around them. Raises BadProfile."""
    return replace(
        profile,
        name=_name(profile.name),
        birthday=_birthday(profile.birthday, today),
        extra={code: _value(code, value, fields) for code, value in profile.extra.items()},
    )


def changed(
    profile: Profile, change: ProfileChange, fields: Mapping[str, ProfileField], *, today: date
) -> tuple[Profile, list[str]]:
    """The profile after a change, and the names of the fields that have another value. Raises BadProfile."""
    extra = dict(profile.extra)
    for code, value in change.extra.items():
        if value is None:
            extra.pop(code, None)
        else:
            extra[code] = _value(code, value, fields)
    after = Profile(
        name=profile.name if change.name is UNSET else _name(change.name),
        birthday=profile.birthday if change.birthday is UNSET else _birthday(change.birthday, today),
        gender=profile.gender if change.gender is UNSET else change.gender,
        extra=extra,
    )
    differing = [name for name in ("name", "birthday", "gender") if getattr(profile, name) != getattr(after, name)]
    codes = sorted(profile.extra.keys() | extra.keys())
    return after, differing + [code for code in codes if profile.extra.get(code) != extra.get(code)]


def allows(consents: Mapping[tuple[Purpose, Channel], Consent], purpose: Purpose, channel: Channel) -> bool:
    """Whether a member agrees: the channel's own answer counts before the one for any; no answer is a no."""
    answer = consents.get((purpose, channel)) or consents.get((purpose, Channel.ANY))
    return answer is not None and answer.given


def _name(name: str | None) -> str | None:
    tidy = " ".join(name.split()) if name is not None else None
    if tidy is not None and (not 1 <= len(tidy) <= MAX_NAME or not tidy.isprintable()):
        raise BadProfile("name", f"应为 1 至 {MAX_NAME} 个字符", f"it has 1 to {MAX_NAME} characters")
    return tidy


def _birthday(birthday: date | None, today: date) -> date | None:
    if birthday is not None and not OLDEST <= birthday <= today:
        raise BadProfile("birthday", "应在 1900 年之后且不晚于今天", "it lies between 1900 and today")
    return birthday


def _value(code: str, value: FieldValue, fields: Mapping[str, ProfileField]) -> FieldValue:
    field = fields.get(code)
    if field is None:
        raise BadProfile(code[:80], "没有定义这个字段", "there is no such field")
    if field.kind is FieldKind.TEXT and isinstance(value, str) and len(value) <= MAX_TEXT and "\0" not in value:
        return value
    if field.kind is FieldKind.CHOICE and value in field.choices:
        return value
    if field.kind is FieldKind.BOOLEAN and isinstance(value, bool):
        return value
    if field.kind is FieldKind.NUMBER and _is_number(value):
        return value
    if field.kind is FieldKind.DATE and isinstance(value, str) and _is_date(value):
        return value
    raise BadProfile(code, f"不是合法的 {field.kind.value}", f"it is no {field.kind.value} that the field may hold")


def _is_number(value: FieldValue) -> bool:
    # The comparison is also what refuses nan, which JSON cannot hold.
    return isinstance(value, int | float) and not isinstance(value, bool) and -MAX_NUMBER <= value <= MAX_NUMBER


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
