"""Turns archived answers into polars frames with pure functions: no I/O, no clock, no environment.

`flatten.transform` is the entry point of the package; `schema` has the input and output schemas.
"""
