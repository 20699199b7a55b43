"""Plan every view and macro of a published file with the DuckDB that this process imports.

    old_duckdb.py FILE CALLS LEFT_OUT

LEFT_OUT names steps of the optimizer that are left out, with commas in between; '' for none.

It imports nothing of ours: PYTHONPATH has an older DuckDB alone, as readers of the file have it.
"""

import json
import sys
from pathlib import Path

import duckdb


def main() -> None:
    path, calls, left_out = sys.argv[1:]
    found = {}
    with duckdb.connect(path, read_only=True) as con:
        con.execute(f"set disabled_optimizers = '{left_out}'")
        for name, query in json.loads(Path(calls).read_text(encoding="utf-8")).items():
            try:
                con.execute(f"explain {query}")
                found[name] = ""
            except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
                found[name] = str(error)
            except duckdb.ConversionException:  # a text for a number: the macro itself was understood
                found[name] = ""
            except duckdb.Error as error:
                found[name] = str(error)
    print(json.dumps({"version": duckdb.__version__, "found": found}))  # noqa: T201


if __name__ == "__main__":
    main()
