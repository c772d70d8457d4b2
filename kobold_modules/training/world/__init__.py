"""World modules by self-study: examples of a world as rows, against a teacher that has the lore in view."""
