"""The charts, one function each, from a view's frame and a `Look`. Nothing is computed here."""
