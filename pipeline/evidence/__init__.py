"""Bundles of evidence: everything that a provider or a gateway needs to act on some tasks, in one zip file.

`selection` selects tasks, `answers` reads their archived answers, `sheets` writes CSV without formulas that a
spreadsheet would run, and `bundle` writes the file.
"""
