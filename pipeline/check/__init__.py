"""`avatar-tasks check`: whether everything is in order, and what to do if it is not. It changes nothing."""
