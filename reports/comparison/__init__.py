"""One period beside another: better or worse, by how much, since when, and what differs; in words and as an object."""
