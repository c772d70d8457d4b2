"""Finding, identifying and loading models, in llama.cpp and in torch."""

import os


# transformers draws progress bars of its own on our terminal; tqdm reads this when it is first imported, by anyone.
os.environ.setdefault("TQDM_DISABLE", "1")
