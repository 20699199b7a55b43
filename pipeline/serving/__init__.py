"""`serve`: a small web application on loopback: the report live, health, metrics, and callbacks of gateways."""
