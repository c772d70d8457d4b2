"""A module from one model to another: mapped over the words that both have, or settled on other weights."""
