"""The terminal interface: a library of modules and a bench to write on. It stands above all of kobold_modules."""

import os


# An Esc key and the start of an arrow key look alike for a moment. Textual waits 100 ms to tell them apart, which is
# all the time that stopping the model may take; a quarter of it serves terminals, tmux and ssh as well.
os.environ.setdefault("ESCDELAY", "25")
