"""Who somebody is: persons, the typed identifiers that point to them, and who is one with whom.

It owns person, identifier, person_alias, identity_link, identity_case, identity_block and the dealing of person
numbers. Always true: an identifier points to exactly one person; a person has one number of its brand, dense and never
given twice; who is one is what the standing links connect, and its lowest number is the root; an alias leads to the
root in one step; what a merged person was called before stays valid, as every read resolves it.
"""
