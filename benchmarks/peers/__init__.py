"""The alternatives that the benchmarks compare with; each is a script."""
