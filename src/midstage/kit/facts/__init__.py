"""The fact log: whatever happened, written in the transaction that made it so, delivered once and in order.

`types` has the words, `log` writes, `sequencer` numbers, `subscribers` deliver, `aside` keeps what failed,
`partitions` makes room and forgets, `replay` goes back.
"""

from midstage.kit.facts.types import Delivered, Fact, upcast

__all__ = ["Delivered", "Fact", "upcast"]
