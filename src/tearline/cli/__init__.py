"""The command line: one file for each group of verbs.

A verb reads its arguments, calls one function, and shows the answer, for people or as JSON. What
verbs need is imported inside them, so that `tearline --help` stays quick.
"""
