"""The outside world: one package a provider, each implements ports that the layers below declare."""
