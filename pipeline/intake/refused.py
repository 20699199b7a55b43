"""The error that ends the reading of one file or query."""


class RefusedError(Exception):
    """Why nothing, or nothing more, is taken: a sentence that does not name the file and quotes nothing from it."""
