"""Bundles of evidence: everything a provider or a gateway needs to act on some tasks, in one zip file.

`selection` says which tasks, `answers` reads what was archived of them, `sheets` writes CSV that spreadsheets cannot be
attacked with, and `bundle` puts the file together.
"""
