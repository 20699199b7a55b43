"""What the benchmarks work on: a gateway, archives and warehouses of any size."""
