"""What a member has become by buying: today how much, how often and since when; points and gifts will live here too.

It owns member_standing and member_spent, a projection of orders' facts. Always true: it is what the facts up to the
subscriber's cursor say, each counted once, as the effect and the cursor commit together; it can be forgotten and
made again by replay. Sales without a member count for nobody.
"""
