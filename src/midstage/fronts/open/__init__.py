"""The open front: what programs of others call. Payment providers call back here."""
