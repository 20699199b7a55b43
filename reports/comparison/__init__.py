"""Two periods compared: better or worse, by how much, since when, and what differs; as an object and as text."""
