"""The figures of the report, one function each: a query, a sentence, a chart and a table."""
