"""Bytes to polars frames, pure: no I/O, no clock, no environment.

`transform` is the entry point of the package; `schema` has the input and output schemas.
"""
