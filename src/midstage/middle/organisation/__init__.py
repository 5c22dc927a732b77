"""Organisation (组织): who the brand is, how it is divided, who owns its stores, and who works in them.

It owns brands, units (the tree of regions and cities), operators with their payees, stores, staff, guides with
their history, touchpoints, and the registry of platform accounts.

Always true:
- a brand has one root unit, its own operator, a virtual store, a virtual guide (the pool, 公海) and a virtual touchpoint;
- the path of a unit is that of its parent and itself, so the tree has no cycle;
- an active guide has one open stay, in the store she belongs to; one who left has none, and every leaving names an heir;
- an open store lies in an open unit and belongs to an open operator;
- whoever runs a platform account is somebody who has not left.
"""
