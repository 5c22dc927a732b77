"""Who somebody is: persons, and the typed identifiers that point to them.

It owns person, identifier, person_alias and the dealing of person numbers. Always true: an identifier points to
exactly one person; a person has one number of its brand, dense and never given twice; an alias leads to its root
in one step; what a merged person was called before stays valid, as every read resolves it.
"""
