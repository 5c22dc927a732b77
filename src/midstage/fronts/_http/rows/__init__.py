"""Files of rows that are brought in: stores, products, prices, stock and members.

A row is read by pure functions that say what is wrong with it and in which column; what can be read is loaded by the
doors' own bulk verbs, so that a file obeys the same rules as everybody.
"""
