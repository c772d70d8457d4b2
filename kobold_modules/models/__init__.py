"""Finding, identifying and loading models, in llama.cpp and in torch."""

from ..third_party_logging import quiet_environment


quiet_environment()  # before anything in this package imports transformers and its like
