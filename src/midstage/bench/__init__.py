"""Benchmarks: `midstage bench …`. Each makes a throw-away database, measures, and prints figures and ratios."""
