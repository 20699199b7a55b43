"""`avatar-tasks check`: whether everything is in order, and what to do where it is not. It changes nothing."""
