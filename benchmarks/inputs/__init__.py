"""Inputs of the benchmarks: a gateway, archives and warehouses of any size."""
