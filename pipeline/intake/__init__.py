"""Read ids from arguments, files, stdin, folders, SQL and an inbox, and separate valid from invalid ones.

All take the same way: `opening` detects the format from the bytes, a reader (`lists`, `tables`, `json_values`,
`arrow_values`) yields numbered values, `values` judges each, and `rejections` stores only as much of an invalid value
as may be shown.
"""
