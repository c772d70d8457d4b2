"""The model as its own teacher: with entries in its context it asks, answers, goes on and sums up."""

from .teacher import Teacher


__all__ = ["Teacher"]
