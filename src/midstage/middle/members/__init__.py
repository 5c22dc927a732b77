"""Membership: who belongs to the brand, bound to which store and guide, at which level, agreeing to what.

It owns member, member_level, member_binding, profile_field, consent, consent_history and person_label. Always true:
a person is one member of a brand at most; a member always has a store, a guide and a touchpoint (the virtual ones
where none is known), and every binding it ever had is kept; a consent is what its last history row says.
"""
