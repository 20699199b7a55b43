"""Views and macros as truth tables: `<view>/<case>/` holds rows in and rows out.

`<table>.csv` is the content of a table: only the columns that matter, the others are NULL. An empty cell is NULL, `""`
is an empty text, a list is written `[a, b]`. `expected.csv` is what the view then has: all its rows in any order, and
the columns that matter.

A table macro takes `arguments.txt`, one argument a line. A scalar macro needs no rows in: `expected.csv` has its
parameters, and `value`.
"""
