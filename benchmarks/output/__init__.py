"""Output of the figures: tables and a chart."""
