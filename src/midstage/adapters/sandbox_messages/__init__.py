"""A simulated message service: it keeps what it is given in a file instead of sending it, and shows it to developers.

It is simulated and says so. A brand that wants real messages wires another MessagePort.
"""
