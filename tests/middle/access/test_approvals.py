"""Approvals: somebody else says yes, once, for this and no more, and nobody gets around it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest

from middle.access.people import PASSWORD, Ground, Person
from midstage.kit.audit import Principal
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.kit.refusals import Refusal, Text
from midstage.middle.access import api as access
from midstage.middle.access import checks
from midstage.middle.organisation import api as organisation

T = TypeVar("T")
ACTION = "access.test_beyond_limit"
PIN = "735219"


async def _store_of(_: Tx, subject: str) -> organisation.StoreId | None:
    return None if subject == "brand" else organisation.StoreId(UUID(subject))


access.declare_approval(access.ApprovalAction(ACTION, Text(zh="测试", en="Test"), _store_of))


class Floor:
    """A cashier and managers of two stores, and short ways to ask and answer."""

    def __init__(
        self, db: Database, ground: Ground, cashier: organisation.StaffId, manager: organisation.StaffId
    ) -> None:
        self.db, self.ground, self.cashier, self.manager = db, ground, cashier, manager
        self.inside = str(ground.inside)

    async def session(self, staff_id: organisation.StaffId) -> access.Session:
        async def work(tx: Tx) -> access.Session:
            token = await access.open_session(tx, access.SessionKind.STAFF, staff_id, lasts=timedelta(hours=1))
            return await access.find_session(tx, token)

        return await self.do(work)

    async def do(
        self, work: Callable[[Tx], Awaitable[T]], *, by: UUID | None = None, after: timedelta | None = None
    ) -> T:
        who = Principal("staff", by or self.cashier)
        now = utc_now() + (after or timedelta())
        return await self.db.attempt(self.ground.tenant, work, by=who, now=now)

    async def ask(self, *, subject: str = "", amount: int = 5_000) -> access.Approval:
        session = await self.session(self.cashier)
        return await self.do(
            lambda tx: access.ask_approval(
                tx, action=ACTION, subject=subject or self.inside, amount_minor=amount, reason="破损", by=session
            )
        )

    async def give(self, asked: access.Approval, *, after: timedelta | None = None) -> access.Approval:
        session = await self.session(self.manager)
        return await self.do(
            lambda tx: access.give_approval(tx, asked.approval_id, by=session), by=self.manager, after=after
        )

    async def given(self) -> access.Approval:
        return await self.give(await self.ask())

    async def use(
        self,
        approval_id: access.ApprovalId | None,
        *,
        subject: str = "",
        amount: int = 5_000,
        by: UUID | None = None,
        action: str = ACTION,
        after: timedelta | None = None,
    ) -> organisation.StaffId:
        return await self.do(
            lambda tx: access.use_approval(
                tx, approval_id, action=action, subject=subject or self.inside, amount_minor=amount
            ),
            by=by,
            after=after,
        )

    async def here(self, approver: access.Approver, *, asker: access.Session | None = None) -> access.Approval:
        session = asker or await self.session(self.cashier)
        wish = access.Wish(ACTION, self.inside, 5_000, "破损")
        return await access.give_here(self.db, self.ground.tenant, wish, approver, asker=session)

    async def look(self, approval_id: UUID) -> access.Approval:
        session = await self.session(self.cashier)
        return await self.do(lambda tx: access.approval(tx, approval_id, by=session))

    async def set_pin(self, pin: str = PIN) -> None:
        await access.set_pin(self.db, self.ground.tenant, self.manager, password=PASSWORD, pin=pin)


def _of(store_id: organisation.StoreId, role: str) -> access.RoleGrant:
    return access.RoleGrant(role, organisation.Scope(stores=frozenset({store_id})))


@pytest.fixture
async def floor(db: Database, ground: Ground, person: Person) -> Floor:
    cashier = await person("cashier", _of(ground.inside, "guide"))
    return Floor(db, ground, cashier, await person("manager", _of(ground.inside, "store_manager")))


async def test_what_was_asked_for_and_given_is_used_once(floor: Floor) -> None:
    asked = await floor.ask()
    assert (asked.state, asked.store_id, asked.currency) == ("asked", floor.ground.inside, "CNY")
    manager = await floor.session(floor.manager)
    page = await floor.do(lambda tx: access.waiting_approvals(tx, PageRequest(), by=manager))
    assert [one.approval_id for one in page.items] == [asked.approval_id]
    given = await floor.give(asked)
    assert (given.state, given.answered_by, given.way) == ("given", floor.manager, "list")
    assert await floor.use(asked.approval_id) == floor.manager
    assert (await floor.look(asked.approval_id)).state == "used"
    with pytest.raises(access.ApprovalNeeded):
        await floor.use(asked.approval_id)


async def test_it_is_for_this_action_subject_amount_and_asker_alone(floor: Floor, person: Person) -> None:
    given = (await floor.given()).approval_id
    other = await person("other", _of(floor.ground.inside, "guide"))
    access_to = access.approval_actions()
    assert ACTION in {one.code for one in access_to}
    wrongs: list[dict[str, Any]] = [
        {"amount": 5_001},
        {"amount": -1},
        {"subject": str(floor.ground.outside)},
        {"subject": "brand"},
        {"by": other},
        {"by": floor.manager},
        {"after": timedelta(minutes=10, seconds=1)},
    ]
    for wrong in wrongs:
        with pytest.raises(access.ApprovalNeeded):
            await floor.use(given, **wrong)
    with pytest.raises(access.NoSuchApprovalAction):
        await floor.use(given, action="nothing.of_the_kind")
    for nothing in (None, access.ApprovalId(new_id())):
        with pytest.raises(access.ApprovalNeeded) as refused:
            await floor.use(nothing)
        assert refused.value.figures() == {"action": ACTION, "subject": floor.inside, "amount_minor": 5_000}
    assert (await floor.look(given)).state == "given"
    assert await floor.use(given, amount=4_999) == floor.manager


async def test_what_is_called_off_leaves_the_approval_as_it_was(floor: Floor) -> None:
    given = (await floor.given()).approval_id

    async def fails(tx: Tx) -> None:
        await access.use_approval(tx, given, action=ACTION, subject=floor.inside, amount_minor=1)
        raise access.OutOfScope

    with pytest.raises(access.OutOfScope):
        await floor.do(fails)
    assert (await floor.look(given)).state == "given"


async def test_of_many_uses_at_once_one_goes_through(floor: Floor) -> None:
    given = (await floor.given()).approval_id
    done = await asyncio.gather(*(floor.use(given) for _ in range(12)), return_exceptions=True)
    assert [one for one in done if not isinstance(one, BaseException)] == [floor.manager]
    assert sum(isinstance(one, access.ApprovalNeeded) for one in done) == 11


async def test_of_a_yes_and_a_no_at_once_one_counts(floor: Floor) -> None:
    asked = await floor.ask()
    session = await floor.session(floor.manager)

    async def no(tx: Tx) -> access.Approval:
        return await access.refuse_approval(tx, asked.approval_id, reason="不行", by=session)

    done = await asyncio.gather(floor.give(asked), floor.do(no, by=floor.manager), return_exceptions=True)
    assert sum(isinstance(one, access.ApprovalAnswered) for one in done) == 1


async def test_an_unanswered_or_refused_request_is_good_for_nothing(floor: Floor) -> None:
    asked = await floor.ask()
    with pytest.raises(access.ApprovalNeeded):
        await floor.use(asked.approval_id)
    with pytest.raises(access.ApprovalAnswered):
        await floor.give(asked, after=timedelta(minutes=10))
    session = await floor.session(floor.manager)
    refused = await floor.do(
        lambda tx: access.refuse_approval(tx, asked.approval_id, reason="请走退货流程", by=session), by=floor.manager
    )
    assert (refused.state, refused.answer) == ("refused", "请走退货流程")
    with pytest.raises(access.ApprovalNeeded):
        await floor.use(asked.approval_id)


async def test_nobody_gives_to_themselves_or_over_another_store(floor: Floor, person: Person) -> None:
    manager = await floor.session(floor.manager)
    own = await floor.do(
        lambda tx: access.ask_approval(tx, action=ACTION, subject=floor.inside, by=manager), by=floor.manager
    )
    with pytest.raises(access.OwnApproval):
        await floor.do(lambda tx: access.give_approval(tx, own.approval_id, by=manager), by=floor.manager)
    page = await floor.do(lambda tx: access.waiting_approvals(tx, PageRequest(), by=manager))
    assert page.items == []
    stranger = await floor.session(await person("stranger", _of(floor.ground.outside, "store_manager")))
    asked = await floor.ask()
    for answer in (access.give_approval, access.approval):
        with pytest.raises(access.NoSuchApproval):
            await floor.do(lambda tx, answer=answer: answer(tx, asked.approval_id, by=stranger), by=stranger.subject_id)
    cashier = await floor.session(floor.cashier)
    with pytest.raises(access.NotPermitted):
        await floor.do(lambda tx: access.give_approval(tx, asked.approval_id, by=cashier))
    with pytest.raises(access.NotPermitted):
        await floor.do(lambda tx: access.waiting_approvals(tx, PageRequest(), by=cashier))


async def test_one_asks_only_over_stores_one_sees_and_of_the_brand_only_the_brand_answers(
    floor: Floor, person: Person
) -> None:
    with pytest.raises(access.OutOfScope):
        await floor.ask(subject=str(floor.ground.outside))
    asked = await floor.ask(subject="brand")
    with pytest.raises(access.NoSuchApproval):
        await floor.give(asked)
    admin = await floor.session(await person("admin", access.RoleGrant("brand_admin", organisation.EVERYTHING)))
    given = await floor.do(lambda tx: access.give_approval(tx, asked.approval_id, by=admin), by=admin.subject_id)
    assert await floor.use(given.approval_id, subject="brand") == admin.subject_id


async def test_nobody_fills_the_list_of_the_approvers(floor: Floor) -> None:
    for _ in range(20):
        await floor.ask()
    with pytest.raises(access.TooManyApprovals) as refused:
        await floor.ask()
    assert 0 < refused.value.retry_after_s <= 601


async def test_who_asked_pages_through_what_they_asked(floor: Floor) -> None:
    asked = [(await floor.ask()).approval_id for _ in range(3)]
    session = await floor.session(floor.cashier)
    first = await floor.do(lambda tx: access.own_approvals(tx, PageRequest(limit=2), by=session))
    rest = await floor.do(lambda tx: access.own_approvals(tx, PageRequest(first.next, 2), by=session))
    assert [one.approval_id for one in (*first.items, *rest.items)] == asked[::-1]
    assert rest.next is None


async def test_an_approver_who_stands_there_types_a_password_or_a_pin(floor: Floor) -> None:
    await floor.set_pin()
    for approver in (access.Approver("manager", password=PASSWORD), access.Approver(" Manager ", pin=PIN)):
        given = await floor.here(approver)
        assert (given.state, given.way, given.answered_by) == ("given", "here", floor.manager)
        assert await floor.use(given.approval_id) == floor.manager


async def test_a_pin_is_good_for_approvals_alone(floor: Floor) -> None:
    await floor.set_pin()
    with pytest.raises(access.SignInWrong):
        await access.sign_in(floor.db, floor.ground.tenant, "manager", PIN)
    with pytest.raises(access.ApproverWrong):
        await floor.here(access.Approver("manager", password=PIN))


@pytest.mark.parametrize("approver", [
    access.Approver("manager", password="wrong"),
    access.Approver("manager", pin="000000"),
    access.Approver("manager"),
    access.Approver("nobody", password=PASSWORD),
    access.Approver("nobody", pin=PIN),
])  # fmt: skip
async def test_a_wrong_secret_gives_nothing_and_says_no_more(floor: Floor, approver: access.Approver) -> None:
    session = await floor.session(floor.cashier)
    with pytest.raises(access.ApproverWrong):
        await floor.here(approver, asker=session)
    page = await floor.do(lambda tx: access.own_approvals(tx, PageRequest(), by=session))
    assert page.items == []


async def test_a_subject_that_is_none_is_refused_not_broken(floor: Floor) -> None:
    with pytest.raises(access.NoApprovalSubject):
        await floor.ask(subject="no id")


async def test_guesses_at_a_pin_lock_like_wrong_passwords_and_then_end_it(floor: Floor) -> None:
    await floor.set_pin()
    guesses = await asyncio.gather(
        *(floor.here(access.Approver("manager", pin=f"90901{n % 10}")) for n in range(12)), return_exceptions=True
    )
    assert sum(isinstance(one, access.ApproverWrong) for one in guesses) == 5
    assert sum(isinstance(one, access.LockedOut) for one in guesses) == 7
    with pytest.raises(access.LockedOut):
        await floor.here(access.Approver("manager", pin=PIN))
    with pytest.raises(access.LockedOut):
        await access.sign_in(floor.db, floor.ground.tenant, "manager", PASSWORD)
    later = utc_now() + timedelta(minutes=16)
    wish, session = access.Wish(ACTION, floor.inside), await floor.session(floor.cashier)

    async def guess(pin: str) -> str:
        try:
            await access.give_here(
                floor.db, floor.ground.tenant, wish, access.Approver("manager", pin=pin), asker=session, now=later
            )
        except Refusal as refused:
            return refused.code
        return "given"

    assert [await guess("909010") for _ in range(4)] == ["approver_wrong"] * 4
    # The tenth wrong one in a row is spent by a password in between as little as by waiting.
    assert await guess("909011") == "approver_wrong"
    later += timedelta(minutes=16)
    assert await guess(PIN) == "approver_wrong"
    await access.set_pin(floor.db, floor.ground.tenant, floor.manager, password=PASSWORD, pin=PIN, now=later)
    assert await guess(PIN) == "given"


@pytest.mark.parametrize("pin", ["", "12345", "1234567890123", "111111", "123456", "987654", "12a456", "１２３４５７"])
async def test_a_pin_is_no_number_that_is_tried_first(floor: Floor, pin: str) -> None:
    with pytest.raises(access.PinWeak):
        await floor.set_pin(pin)


async def test_only_who_may_approve_here_does(floor: Floor, person: Person) -> None:
    await person("stranger", _of(floor.ground.outside, "store_manager"))
    await person("colleague", _of(floor.ground.inside, "guide"))
    for login, refusal in (
        ("stranger", access.OutOfScope),
        ("colleague", access.NotPermitted),
        ("cashier", access.OwnApproval),
    ):
        with pytest.raises(refusal):
            await floor.here(access.Approver(login, password=PASSWORD))


async def test_who_left_approves_nothing(floor: Floor) -> None:
    await floor.set_pin()
    await floor.do(lambda tx: access.close_login(tx, floor.manager))
    for approver in (access.Approver("manager", password=PASSWORD), access.Approver("manager", pin=PIN)):
        with pytest.raises(access.ApproverWrong):
            await floor.here(approver)


async def test_a_new_password_ends_the_pin(floor: Floor, password: access.PasswordHash) -> None:
    await floor.set_pin()
    await floor.do(lambda tx: access.reset_password(tx, floor.manager, password))
    with pytest.raises(access.ApproverWrong):
        await floor.here(access.Approver("manager", pin=PIN))
    assert await floor.do(lambda tx: access.drop_pin(tx, floor.manager)) is False


async def test_the_trail_and_the_facts_tell_who_asked_gave_and_used(floor: Floor) -> None:
    given = await floor.given()

    async def work(tx: Tx) -> tuple[list[str], list[str]]:
        await access.use_approval(tx, given.approval_id, action=ACTION, subject=floor.inside, amount_minor=1)
        return [type(fact).__name__ for fact, _ in tx.told], [entry.action for entry in tx.noted]

    assert await floor.do(work) == (["ApprovalUsed"], ["access.use_approval"])
    async with floor.db.reading(floor.ground.tenant) as tx:
        assert await checks.checks(tx) == []
        page = await _trail(tx, given.approval_id)
    assert page == ["access.use_approval", "access.give_approval", "access.ask_approval"]


async def test_what_nobody_used_is_forgotten_in_a_month(floor: Floor) -> None:
    unused, used = await floor.given(), await floor.given()
    await floor.use(used.approval_id)
    await floor.do(access.forget_old, after=timedelta(days=31))
    with pytest.raises(access.NoSuchApproval):
        await floor.look(unused.approval_id)
    assert (await floor.look(used.approval_id)).state == "used"


async def _trail(tx: Tx, approval_id: UUID) -> list[str]:
    from midstage.kit import audit  # noqa: PLC0415  # one test reads the trail

    filters = audit.ChangeFilters(subject_type="approval", subject_id=str(approval_id))
    return [one.action for one in (await audit.entries(tx, filters, PageRequest())).items]
