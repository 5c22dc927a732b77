"""The front of the till: what the device at the counter asks for. One file a subject."""
