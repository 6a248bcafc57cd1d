"""How good the answers are, on data that people labelled beforehand: `python -m evaluation`."""
