"""Bytes to polars frames, pure: no I/O, no clock, no environment.

`transform` is the whole room; `schema` says what goes in and what comes out.
"""
