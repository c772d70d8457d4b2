"""Hard prompts: readable text that does some of what a module does, for programs that load no modules."""
