"""kobold_modules: teach the language model on your own machine to write like your pages.

A *module* is a soft prompt: a small matrix of trained vectors that stands in front of the text and steers a frozen
language model. Importing this package loads neither torch, llama.cpp, transformers nor textual.
"""

__version__ = "0.2.0"
