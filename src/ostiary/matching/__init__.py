"""Matching: which rules of a Ruleset match some fields. Pure; knows plan nodes, never the language they came from."""
