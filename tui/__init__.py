"""The terminal interface: a library of modules and a bench to write on. It stands above all of kobold_modules."""
