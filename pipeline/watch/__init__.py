"""What an operator watches: measures, conditions over them, and metrics for Prometheus."""
