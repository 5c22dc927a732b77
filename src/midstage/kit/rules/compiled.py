"""From a tree to a rule: checked once against the registry, then asked of any number of people."""

from collections.abc import Callable
from datetime import datetime
from typing import cast

import msgspec

from midstage.kit.rules.leaves import View, children, field_leaf, live_of, located, predicate_leaf
from midstage.kit.rules.refused import (
    RuleEmpty,
    RuleFieldUnknown,
    RuleMalformed,
    RulePredicateUnknown,
    RuleTooDeep,
    RuleTooLarge,
    RuleTooManyLeaves,
)
from midstage.kit.rules.registry import REGISTRY, SLOWER, Answer, Asked, Live, Registry
from midstage.kit.rules.tree import All, AnyOf, Holds, Leaf, Node, Not

MAX_DEPTH = 12
MAX_LEAVES = 200
MAX_BYTES = 262_144

_decoder = msgspec.json.Decoder(Node)


class LeafAnswer(msgspec.Struct, frozen=True):
    """What one leaf said, and where it stands in the tree."""

    path: str
    leaf: Leaf
    true: bool
    until: datetime | None


class Outcome(msgspec.Struct, frozen=True):
    """What a rule says of a person: the answer, until when it holds at least if nothing happens, and each leaf's.

    The answer never changes by itself before `until`; None: it never does.
    """

    true: bool
    until: datetime | None
    leaves: list[LeafAnswer]


_Full = Callable[[View, Asked, list[LeafAnswer]], Answer]
_Quick = Callable[[View, Asked], bool]
_Made = tuple[_Full, _Quick]


class Rule:
    """A checked tree. `live` is that of its slowest leaf; `fields` and `needs` are what a View must hold for it."""

    __slots__ = ("_full", "_quick", "fields", "live", "needs", "tree")

    def __init__(self, tree: Node, made: _Made, *, live: Live, fields: frozenset[str], needs: frozenset[str]) -> None:
        self.tree = tree
        self.live = live
        self.fields = fields
        self.needs = needs
        self._full, self._quick = made

    def evaluate(self, view: View, asked: Asked) -> Outcome:
        """Ask every leaf: the answer, when it falls due, and why. KeyError where the view lacks a field."""
        leaves: list[LeafAnswer] = []
        answer = self._full(view, asked, leaves)
        return Outcome(answer.true, answer.until, leaves)

    def is_true(self, view: View, asked: Asked) -> bool:
        """The answer alone, asking no more leaves than it takes."""
        return self._quick(view, asked)

    def to_json(self) -> bytes:
        """The tree, as it is stored and edited."""
        return msgspec.json.encode(self.tree)


def read(data: bytes | str, registry: Registry = REGISTRY) -> Rule:
    """A rule from JSON. Raises the refusals of this package, which say where in the tree."""
    if len(data) > MAX_BYTES:
        raise RuleTooLarge(MAX_BYTES)
    try:
        tree = _decoder.decode(data)
    except msgspec.ValidationError as error:
        problem, where = located(error)
        raise RuleMalformed(f"${where}", problem) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RuleMalformed("$", str(error)) from None
    except RecursionError:
        raise RuleTooDeep("$", MAX_DEPTH) from None
    return check(cast("Node", tree), registry)


def check(tree: Node, registry: Registry = REGISTRY) -> Rule:
    """A rule from a tree. Raises the refusals of this package, which say where in the tree."""
    checker = _Checker(registry)
    made = checker.node(tree, "$", 1)
    return Rule(tree, made, live=checker.live, fields=frozenset(checker.fields), needs=frozenset(checker.needs))


class _Checker:
    """One walk through a tree: types every leaf, keeps the limits, and gathers what the rule asks for."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.live = Live.EVENT
        self.fields: set[str] = set()
        self.needs: set[str] = set()
        self.leaves = 0

    def node(self, node: Node, path: str, depth: int) -> _Made:
        if depth > MAX_DEPTH:
            raise RuleTooDeep(path, MAX_DEPTH)
        if isinstance(node, All | AnyOf):
            if not node.of:
                raise RuleEmpty(f"{path}.of")
            members = [self.node(one, f"{path}.of[{place}]", depth + 1) for place, one in enumerate(node.of)]
            return _group(members, every=isinstance(node, All))
        if isinstance(node, Not):
            return _opposite(self.node(node.of, f"{path}.of", depth + 1))
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            raise RuleTooManyLeaves(MAX_LEAVES)
        return _leaf(node, path, self.answering(node, path))

    def answering(self, leaf: Leaf, path: str) -> Callable[[View, Asked], Answer]:
        if isinstance(leaf, Holds):
            predicate = self.registry.predicates.get(leaf.predicate)
            if predicate is None:
                raise RulePredicateUnknown(f"{path}.predicate", leaf.predicate[:100])
            self.needs.add(predicate.needs)
            self.slow(predicate.live)
            return predicate_leaf(predicate, leaf.given, path)
        field = self.registry.fields.get(leaf.field)
        if field is None:
            raise RuleFieldUnknown(f"{path}.field", leaf.field[:100])
        self.fields.add(field.name)
        self.slow(live_of(leaf, field))
        return field_leaf(leaf, field, path)

    def slow(self, live: Live) -> None:
        self.live = max(self.live, live, key=SLOWER.__getitem__)


def _leaf(leaf: Leaf, path: str, answering: Callable[[View, Asked], Answer]) -> _Made:
    def full(view: View, asked: Asked, said: list[LeafAnswer]) -> Answer:
        answer = answering(view, asked)
        said.append(LeafAnswer(path, leaf, answer.true, answer.until))
        return answer

    return full, lambda view, asked: answering(view, asked).true


def _group(members: list[_Made], *, every: bool) -> _Made:
    fulls = [full for full, _ in members]
    quicks = [quick for _, quick in members]

    def full(view: View, asked: Asked, said: list[LeafAnswer]) -> Answer:
        return children([member(view, asked, said) for member in fulls], every=every)

    def quick(view: View, asked: Asked) -> bool:
        return all(q(view, asked) for q in quicks) if every else any(q(view, asked) for q in quicks)

    return full, quick


def _opposite(member: _Made) -> _Made:
    member_full, member_quick = member

    def full(view: View, asked: Asked, said: list[LeafAnswer]) -> Answer:
        answer = member_full(view, asked, said)
        return Answer(not answer.true, answer.until)

    return full, lambda view, asked: not member_quick(view, asked)
