"""What the figures become: tables and a chart."""
