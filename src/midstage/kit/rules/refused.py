"""Why a tree is refused; `path` says where in it, as in `$.of[1].value`."""

from midstage.kit.refusals import Invalid, Text


class RuleMalformed(Invalid):
    """The tree is not of the grammar: an unknown operation, a missing or a surplus member, a wrong JSON type."""

    text = Text(zh="条件格式有误（{path}）：{problem}", en="The condition is malformed at {path}: {problem}.")
    path: str
    problem: str


class RuleTooLarge(Invalid):
    """The text of a tree has a limit."""

    text = Text(zh="条件最多 {limit_bytes} 字节", en="A condition has at most {limit_bytes} bytes.")
    limit_bytes: int


class RuleTooDeep(Invalid):
    """Groups within groups have a limit, of people as of machines."""

    text = Text(
        zh="条件嵌套过深（{path}）：最多 {limit} 层", en="The condition is nested too deep at {path}: at most {limit}."
    )
    path: str
    limit: int


class RuleTooManyLeaves(Invalid):
    """A tree has a limit of single conditions."""

    text = Text(zh="条件过多：最多 {limit} 个", en="A tree has at most {limit} single conditions.")
    limit: int


class RuleListTooLong(Invalid):
    """A list of values has a limit; a longer one is better kept as a label or a segment."""

    text = Text(
        zh="取值列表过长（{path}）：最多 {limit} 个", en="The list at {path} is too long: at most {limit} values."
    )
    path: str
    limit: int


class RuleEmpty(Invalid):
    """A group or a list without members says nothing."""

    text = Text(zh="条件为空（{path}）", en="The condition at {path} is empty.")
    path: str


class RuleFieldUnknown(Invalid):
    """No module has registered such a field."""

    text = Text(zh="没有名为 {field} 的字段（{path}）", en="There is no field called {field} ({path}).")
    path: str
    field: str


class RulePredicateUnknown(Invalid):
    """No module has registered such a predicate."""

    text = Text(zh="没有名为 {predicate} 的条件（{path}）", en="There is no predicate called {predicate} ({path}).")
    path: str
    predicate: str


class RuleNotForType(Invalid):
    """The operation makes no sense for the type of the field."""

    text = Text(
        zh="字段 {field} 的类型为 {type}，不支持 {operation}（{path}）",
        en="{operation} is not for {field}, which is a {type} ({path}).",
    )
    path: str
    field: str
    type: str
    operation: str


class RuleValueWrong(Invalid):
    """The value is not of the type of the field, or not one of its choices."""

    text = Text(
        zh="字段 {field} 的取值有误（{path}）：应为 {expected}",
        en="The value for {field} at {path} is wrong: it should be {expected}.",
    )
    path: str
    field: str
    expected: str


class RuleParametersWrong(Invalid):
    """The parameters of a predicate are not what it takes."""

    text = Text(
        zh="条件 {predicate} 的参数有误（{path}）：{problem}",
        en="The parameters of {predicate} are wrong at {path}: {problem}.",
    )
    path: str
    predicate: str
    problem: str
