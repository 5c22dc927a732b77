"""Webhooks: the facts of a brand are sent to addresses that it names, at least once, each subject's in their order.

An endpoint has a cursor in the numbers of the facts, as every subscriber has; what has been sent beyond it, and what
failed, has a row. A failed fact is tried again for three days, and later facts of its subject wait behind it at that
endpoint; all others go on. An endpoint that fails again and again rests ever longer, and is disabled after five days
in which nothing arrived. Requests are signed as Standard Webhooks 1.0 has it.

`types` has the words, `signing` and `outside` the request, `endpoints` and `deliveries` the verbs, `courier` sends.
"""
