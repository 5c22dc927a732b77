"""The one rule language: a segment, a promotion's audience, a journey's branch and a tag are the same tree.

Here are its grammar (`tree`), what modules let it ask (`registry`), typing and the one-person evaluator (`leaves`,
`compiled`), windows for predicates (`windows`) and its sentences (`said`). Compiling it for many people is insight's.

What is always true: an unknown value makes a leaf false, whatever the leaf asks, and only `not` turns that; an answer
never changes by itself before the `until` that came with it; `is_true` and `evaluate` agree.
"""

from midstage.kit.rules.compiled import MAX_BYTES, MAX_DEPTH, MAX_LEAVES, LeafAnswer, Outcome, Rule, check, read
from midstage.kit.rules.leaves import MAX_VALUES, View
from midstage.kit.rules.registry import (
    REGISTRY,
    Answer,
    Asked,
    Field,
    FieldType,
    Live,
    Option,
    Predicate,
    Registry,
    register_field,
    register_predicate,
)
from midstage.kit.rules.said import Line, explain, sentence
from midstage.kit.rules.tree import (
    Ago,
    All,
    Anniversary,
    AnyOf,
    Between,
    Compare,
    Contains,
    Holds,
    In,
    Is,
    Known,
    Leaf,
    Long,
    Node,
    Not,
    Unit,
)

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_LEAVES",
    "MAX_VALUES",
    "REGISTRY",
    "Ago",
    "All",
    "Anniversary",
    "Answer",
    "AnyOf",
    "Asked",
    "Between",
    "Compare",
    "Contains",
    "Field",
    "FieldType",
    "Holds",
    "In",
    "Is",
    "Known",
    "Leaf",
    "LeafAnswer",
    "Line",
    "Live",
    "Long",
    "Node",
    "Not",
    "Option",
    "Outcome",
    "Predicate",
    "Registry",
    "Rule",
    "Unit",
    "View",
    "check",
    "explain",
    "read",
    "register_field",
    "register_predicate",
    "sentence",
]
