"""What a module knows of its world: questions, asked without the lore in view."""
