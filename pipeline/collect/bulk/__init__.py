"""Many ids in one request: send it, compare it with single answers, and remember the result."""
