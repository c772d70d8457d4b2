"""Training a world module: the examples of self-study as rows, and the loss against a teacher that sees the lore."""
