"""Ways of searching for words by gradient."""
