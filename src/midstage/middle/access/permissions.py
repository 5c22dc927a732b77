"""Every permission there is, and the roles that come with Midstage. Pure."""

from collections.abc import Iterable

from midstage.middle.access.types import (
    Held,
    NoSuchPermission,
    NotPermitted,
    OutOfScope,
    Permission,
    Role,
    RoleGrant,
    Session,
)
from midstage.middle.organisation import api as organisation

PERMISSIONS: dict[str, Permission] = {
    name: Permission(name, zh, en)
    for name, zh, en in (
        ("organisation.read", "查看组织", "See the organisation"),
        ("organisation.write", "维护组织", "Change the organisation"),
        ("access.read", "查看账号与角色", "See logins and roles"),
        ("access.write", "维护账号与角色", "Change logins and roles"),
        ("approvals.give", "审批他人的申请", "Approve what others may not do alone"),
        ("members.read", "查看会员", "See members"),
        ("members.write", "维护会员", "Change members"),
        ("identity.read", "查看身份与合并", "See who is who"),
        ("identity.write", "合并与撤销、屏蔽名单", "Merge persons, undo it, block identifiers"),
        ("members.privacy", "处理个人信息申请", "Hand out and erase personal data"),
        ("catalogue.read", "查看商品", "See products"),
        ("catalogue.write", "维护商品", "Change products"),
        ("catalogue.list", "门店退选与自营商品", "Opt out for stores, keep goods of one's own"),
        ("pricing.read", "查看价格", "See prices"),
        ("pricing.write", "维护价格", "Change prices"),
        ("pricing.own", "门店自定价", "Set a store's own prices"),
        ("inventory.read", "查看库存", "See stock"),
        ("inventory.write", "维护库存", "Change stock"),
        ("inventory.count", "盘点录入", "Count stock"),
        ("inventory_value.read", "查看库存金额", "See what stock is worth"),
        ("orders.read", "查看订单", "See orders"),
        ("orders.write", "处理订单", "Work on orders"),
        ("orders.refund", "订单退款", "Refund orders"),
        ("till.read", "查看班次与日结", "See shifts and business days"),
        ("till.sell", "收银", "Sell at a till"),
        ("till.refund", "收银退货", "Take goods back at a till"),
        ("till.manage", "管理收银", "Count drawers of others, close days, settle offline sales"),
        ("payments.read", "查看支付", "See payments"),
        ("payments.write", "处理支付差异与商户", "Settle payment differences, change merchants"),
        ("ledger.read", "查看账本", "See the ledger"),
        ("audit.read", "查看审计", "See the audit trail"),
        ("facts.read", "读取事实流", "Read the facts of the brand as they happen"),
        ("webhooks.read", "查看网络回调", "See webhooks and their deliveries"),
        ("webhooks.write", "维护网络回调", "Change webhooks, send again"),
        ("late.read", "查看滞留事项", "See what is late or stuck"),
        ("system.read", "查看系统", "See the system"),
        ("system.write", "维护系统", "Mend the system"),
    )
}

_READS = frozenset(name for name in PERMISSIONS if name.endswith(".read"))
_TILL = frozenset(name for name in PERMISSIONS if name.startswith("till."))
_GOODS = frozenset({"catalogue.list", "pricing.own"})
_BUSINESS = frozenset(
    name for name in PERMISSIONS if name.split(".")[0] not in {"access", "system", "audit", "facts", "webhooks"}
)

BUILT_IN: dict[str, Role] = {
    role.code: role
    for role in (
        Role("brand_admin", "品牌管理员", "Brand administrator", frozenset(PERMISSIONS), built_in=True),
        Role("brand_operations", "总部运营", "Brand operations", _BUSINESS, built_in=True),
        Role(
            "region_manager",
            "区域经理",
            "Region manager",
            (_READS - {"access.read", "system.read", "ledger.read", "identity.read", "facts.read", "webhooks.read"})
            | _TILL
            | _GOODS
            | {"orders.write", "orders.refund", "inventory.write", "inventory.count", "approvals.give"},
            built_in=True,
        ),
        Role(
            "store_manager",
            "店长",
            "Store manager",
            frozenset(
                {"organisation.read", "members.read", "members.write", "catalogue.read", "pricing.read"}
                | {"inventory.read", "inventory.write", "orders.read", "orders.write", "orders.refund"}
                | {"approvals.give", "late.read", "inventory.count", "inventory_value.read"}
                | _TILL
                | _GOODS
            ),
            built_in=True,
        ),
        Role(
            "franchisee",
            "加盟商",
            "Franchisee",
            frozenset(
                {"organisation.read", "members.read", "catalogue.read", "pricing.read", "inventory.read"}
                | {"inventory.write", "orders.read", "orders.write", "payments.read", "approvals.give", "late.read"}
                | {"inventory.count", "inventory_value.read"}
                | _TILL
                | _GOODS
            ),
            built_in=True,
        ),
        Role(
            "guide",
            "导购",
            "Guide",
            frozenset({"members.read", "catalogue.read", "pricing.read", "inventory.read", "orders.read"})
            | {"till.sell", "till.refund", "inventory.count"},
            built_in=True,
        ),
        Role("auditor", "审计", "Auditor", _READS, built_in=True),
    )
}


def check_permissions(names: Iterable[str]) -> frozenset[str]:
    """Raises NoSuchPermission for the first name that is none."""
    given = frozenset(names)
    for name in sorted(given):
        if name not in PERMISSIONS:
            raise NoSuchPermission(name)
    return given


def scope_of(session: Session, permission: str) -> organisation.Scope:
    """Over what a session holds a permission: the union of the grants that give it; nothing, if none does."""
    return scope_in(session.held, permission)


def scope_in(held: Iterable[Held], permission: str) -> organisation.Scope:
    """Over what a permission is held: the union of the grants that give it; nothing, if none does."""
    return organisation.union([one.scope for one in held if permission in one.permissions])


def need(session: Session, permission: str) -> organisation.Scope:
    """Over what the session holds the permission. Raises NotPermitted if over nothing."""
    scope = scope_of(session, permission)
    if scope == organisation.NOTHING:
        raise NotPermitted(permission)
    return scope


def may_see_store(session: Session, store: organisation.Store, permission: str | None = None) -> bool:
    """Whether a store lies in what the session sees, or in what it holds the permission over."""
    return organisation.covers(session.scope if permission is None else scope_of(session, permission), store)


def need_store(session: Session, permission: str, store: organisation.Store) -> None:
    """Raises NotPermitted without the permission, OutOfScope where it is not held over this store."""
    if not organisation.covers(need(session, permission), store):
        raise OutOfScope


def held_by(grants: Iterable[tuple[RoleGrant, frozenset[str] | None]]) -> tuple[Held, ...]:
    """What grants give; the second of each pair is what the brand's own role of that code allows, if it is one."""
    return tuple(Held(_allowed(grant.role, own), grant.scope) for grant, own in grants)


def _allowed(role: str, own: frozenset[str] | None) -> frozenset[str]:
    built_in = BUILT_IN.get(role)
    if built_in is not None:
        return built_in.permissions
    # A permission that a later release no longer knows gives nothing.
    return frozenset() if own is None else own & frozenset(PERMISSIONS)
