"""Many ids in one request: sent, checked against single answers, and what was seen of it remembered."""
