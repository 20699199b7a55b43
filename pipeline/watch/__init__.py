"""What an operator watches: measures, conditions on them, and metrics for Prometheus."""
