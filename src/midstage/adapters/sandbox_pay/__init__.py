"""A simulated payment provider: it moves no money, and otherwise behaves as real ones do, at their worst on request.

Two things: a program of its own (`python -m midstage.adapters.sandbox_pay`) that keeps its book in an own SQLite file,
and the client of it (provider.py), which implements the port of payments. They share protocol.py alone.
"""
