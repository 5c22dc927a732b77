"""What the organisation refuses, and why."""

from uuid import UUID

from midstage.kit.refusals import Conflict, Forbidden, Invalid, NotFound, Text


class BadCode(Invalid):
    """A code has 1 to 60 characters without blanks; a brand's is lower-case Latin."""

    text = Text(
        zh="编码“{given}”无效：1–60 个字符，不含空格（品牌编码为小写字母、数字和连字符）",
        en="“{given}” is not a code: 1 to 60 characters without blanks; a brand's is a-z, 0-9 and hyphens.",
    )
    given: str


class NameMissing(Invalid):
    """A name is empty or longer than 200 characters."""

    text = Text(zh="名称不能为空，且不超过 200 个字符", en="A name has 1 to 200 characters.")


class BadZone(Invalid):
    """The time zone is not one of the IANA database."""

    text = Text(zh="时区“{given}”不存在", en="There is no time zone called “{given}”.")
    given: str


class BadStartOfDay(Invalid):
    """The business day begins within its own first 24 hours."""

    text = Text(
        zh="营业日起点须在 0 到 1439 分钟之间，而非 {minute}",
        en="A business day begins between minute 0 and 1439, not at {minute}.",
    )
    minute: int


class BadCurrency(Invalid):
    """A currency is three capital letters (ISO 4217)."""

    text = Text(zh="币种“{given}”无效", en="“{given}” is not a currency.")
    given: str


class BadPhonePrefix(Invalid):
    """A phone prefix is a plus and one to four digits."""

    text = Text(zh="电话国家码“{given}”无效，应如 +86", en="“{given}” is not a phone prefix; +86 is one.")
    given: str


class BadPlace(Invalid):
    """Latitude is within ±90 degrees, longitude within ±180."""

    text = Text(zh="坐标无效：纬度 {lat}，经度 {lng}", en="There is no place at latitude {lat}, longitude {lng}.")
    lat: float
    lng: float


class BadArea(Invalid):
    """An area is more than nothing and at most a square kilometre."""

    text = Text(zh="面积无效：{area_m2} 平方米", en="An area of {area_m2} m² cannot be right.")
    area_m2: int


class BadHours(Invalid):
    """A week has seven days; spans run forward, within two days, and do not overlap."""

    text = Text(
        zh="营业时间无效：一周须有七天，时段须先开后关、互不重叠",
        en="Opening hours need seven days, and spans that run forward and do not overlap.",
    )


class BadContract(Invalid):
    """A contract has a number and does not end before it begins."""

    text = Text(
        zh="合同无效：须有编号，且结束日不早于开始日", en="A contract needs a number and must not end before it begins."
    )


class BadInvoiceTitle(Invalid):
    """An invoice title needs the title and the tax number."""

    text = Text(zh="发票信息无效：须有抬头和税号", en="An invoice title needs a title and a tax number.")


class BadPayee(Invalid):
    """A payee needs a holder, a provider and an account number."""

    text = Text(zh="收款信息无效：须有户名、机构和账号", en="A payee needs a holder, a provider and an account number.")


class KindReserved(Invalid):
    """There is one of this kind in a brand, and it was made with the brand."""

    text = Text(
        zh="“{kind}”类型每个品牌只有一个，随品牌创建", en="A brand has one “{kind}”, made with the brand itself."
    )
    kind: str


class Fixed(Conflict):
    """The root, the brand's own operator and what is virtual can be renamed, nothing else."""

    text = Text(
        zh="“{what}”由系统保留，不能如此更改", en="The {what} belongs to the brand for good and cannot be changed so."
    )
    what: str


class ChangedMeanwhile(Conflict):
    """Somebody else changed it since it was read."""

    text = Text(
        zh="数据已被他人修改（版本 {version}，您看到的是 {seen}），请刷新后重试",
        en="It was changed meanwhile: it is at version {version}, you saw {seen}.",
    )
    seen: int
    version: int


class NotSandbox(Forbidden):
    """Only a brand that is there for trying out can be emptied; a real one never is."""

    text = Text(
        zh="品牌 {brand_code} 不是沙箱，不能清空", en="{brand_code} is a real brand; only a sandbox can be emptied."
    )
    brand_code: str


class NoSuchBrand(NotFound):
    """There is no brand of this code."""

    text = Text(zh="没有编码为“{given}”的品牌", en="There is no brand “{given}”.")
    given: str


class BrandCodeTaken(Conflict):
    """Another brand has this code."""

    text = Text(zh="品牌编码“{given}”已被使用", en="The brand code “{given}” is taken.")
    given: str


class NoSuchUnit(NotFound):
    """There is no such part of the tree."""

    text = Text(zh="没有该组织单元", en="There is no such unit.")
    unit_id: UUID


class UnitCodeTaken(Conflict):
    """Another unit has this code."""

    text = Text(zh="组织单元编码“{given}”已被使用", en="The unit code “{given}” is taken.")
    given: str


class UnitClosed(Conflict):
    """The unit is closed; nothing can be put under it."""

    text = Text(zh="该组织单元已关闭", en="The unit is closed.")
    unit_id: UUID


class UnitCycle(Conflict):
    """A unit cannot lie under itself."""

    text = Text(zh="不能把组织单元移到它自己之下", en="A unit cannot be moved under itself.")
    unit_id: UUID
    under: UUID


class TreeTooDeep(Invalid):
    """The tree would be deeper than its limit."""

    text = Text(zh="组织树最多 {limit} 层", en="The tree has at most {limit} levels.")
    limit: int


class UnitNotEmpty(Conflict):
    """Open units or stores still lie under it."""

    text = Text(
        zh="该单元下还有 {units} 个未关闭的下级和 {stores} 家未关闭的门店",
        en="Under the unit are {units} open units and {stores} stores that are not closed.",
    )
    unit_id: UUID
    units: int
    stores: int


class NoSuchOperator(NotFound):
    """There is no such operator."""

    text = Text(zh="没有该操作主体", en="There is no such operator.")
    operator_id: UUID


class OperatorCodeTaken(Conflict):
    """Another operator has this code."""

    text = Text(zh="操作主体编码“{given}”已被使用", en="The operator code “{given}” is taken.")
    given: str


class OperatorClosed(Conflict):
    """The operator no longer trades."""

    text = Text(zh="该操作主体已停用", en="The operator is closed.")
    operator_id: UUID


class OperatorBusy(Conflict):
    """The operator still has stores that are not closed or staff that has not left."""

    text = Text(
        zh="该操作主体还有 {stores} 家未关闭的门店和 {staff} 名在职员工",
        en="The operator still has {stores} stores and {staff} staff.",
    )
    operator_id: UUID
    stores: int
    staff: int


class NoSuchStore(NotFound):
    """There is no such store."""

    text = Text(zh="没有该门店", en="There is no such store.")
    store: UUID | str


class StoreCodeTaken(Conflict):
    """Another store has this code."""

    text = Text(zh="门店编码“{given}”已被使用", en="The store code “{given}” is taken.")
    given: str


class StoreClosed(Conflict):
    """The store is closed for good."""

    text = Text(zh="该门店已关闭", en="The store is closed.")
    store_id: UUID


class StoreStaffed(Conflict):
    """Active guides still belong to the store, or open platform accounts are run by it."""

    text = Text(
        zh="该门店还有 {guides} 名在职导购和 {accounts} 个平台账号",
        en="The store still has {guides} guides and {accounts} platform accounts.",
    )
    store_id: UUID
    guides: int
    accounts: int


class NoSuchStaff(NotFound):
    """There is no such staff person."""

    text = Text(zh="没有该员工", en="There is no such staff person.")
    staff_id: UUID


class StaffCodeTaken(Conflict):
    """Another staff person has this code."""

    text = Text(zh="员工编号“{given}”已被使用", en="The staff code “{given}” is taken.")
    given: str


class StaffGone(Conflict):
    """The staff person has left."""

    text = Text(zh="该员工已离职", en="The staff person has left.")
    staff_id: UUID


class StaffBound(Conflict):
    """The person still is a guide or answers for platform accounts; hand those over first."""

    text = Text(
        zh="该员工仍是导购（{guides}）或平台账号负责人（{accounts}），请先交接",
        en="The person still is {guides} guide and answers for {accounts} platform accounts.",
    )
    staff_id: UUID
    guides: int
    accounts: int


class AlreadyGuide(Conflict):
    """A staff person is one active guide at most."""

    text = Text(zh="该员工已是在职导购", en="The staff person already is an active guide.")
    staff_id: UUID


class NoSuchGuide(NotFound):
    """There is no such guide."""

    text = Text(zh="没有该导购", en="There is no such guide.")
    guide_id: UUID


class GuideCodeTaken(Conflict):
    """Another guide has this code."""

    text = Text(zh="导购编号“{given}”已被使用", en="The guide code “{given}” is taken.")
    given: str


class GuideGone(Conflict):
    """The guide has left."""

    text = Text(zh="该导购已离职", en="The guide has left.")
    guide_id: UUID


class HeirNotFit(Invalid):
    """Customers go to another guide, or to the pool."""

    text = Text(zh="不能把客户交接给离职者本人", en="The heir must be somebody else than the one who leaves.")
    heir_id: UUID


class NoSuchTouchpoint(NotFound):
    """There is no such touchpoint."""

    text = Text(zh="没有该触点", en="There is no such touchpoint.")
    touchpoint: UUID | str


class TouchpointCodeTaken(Conflict):
    """Another touchpoint has this code."""

    text = Text(zh="触点编码“{given}”已被使用", en="The touchpoint code “{given}” is taken.")
    given: str


class NoSuchPlatformAccount(NotFound):
    """There is no such platform account."""

    text = Text(zh="没有该平台账号", en="There is no such platform account.")
    platform_account_id: UUID


class PlatformAccountTaken(Conflict):
    """This account of the platform is registered already."""

    text = Text(zh="平台账号“{given}”已登记", en="The account “{given}” is registered already.")
    given: str


class NoSuchPolicy(NotFound):
    """There is no policy of that name."""

    text = Text(zh="没有名为“{given}”的策略", en="There is no policy called “{given}”.")
    given: str


class PolicyInvalid(Invalid):
    """The settings are not those of this policy."""

    text = Text(zh="策略“{policy}”的设置无效：{why}", en="These are no settings of the policy {policy}: {why}.")
    policy: str
    why: str


class PolicyNotHere(Invalid):
    """This policy is not chosen at that level."""

    text = Text(
        zh="策略“{policy}”不能在“{level}”层级设置",
        en="The policy {policy} is not chosen by a {level}.",
    )
    policy: str
    level: str
