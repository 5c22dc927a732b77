"""How the database plans a statement over many keys."""

from midstage.kit.database import Tx

MANY = 100


async def plan_for(tx: Tx, keys: int) -> None:
    """Have the rest of this transaction planned for the keys that it has, if they are many.

    A plan that is kept for a statement assumes ten keys: with thousands it compares every one with every row
    (measured: 15 s instead of 0.1 s at 5,000 keys). Hot statements have few keys and keep their plans.
    """
    if keys > MANY:
        await tx.run("set local plan_cache_mode = force_custom_plan")
