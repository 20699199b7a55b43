"""Ids from wherever they are: arguments, files, stdin, folders, SQL and an inbox; valid ones and others.

One way for all: `opening` finds out what the bytes are, a reader makes numbered values of them (`lists`, `tables`,
`json_values`, `arrow_values`), `values` judges each, and `rejections` keeps of the others no more than may be shown.
"""
