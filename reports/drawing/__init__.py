"""The pictures, one function each: a frame as the view has it, and a look, to a chart. Nothing is computed here."""
