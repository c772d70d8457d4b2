"""Self-study: a model reads a world's lore and asks itself about it; what a world module is trained on."""
