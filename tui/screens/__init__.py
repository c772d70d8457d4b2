"""The places a person can be: library and bench, and the small questions asked in between."""
