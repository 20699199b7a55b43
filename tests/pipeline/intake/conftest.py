"""Long forms print their figures here, too."""

from tests.promises.conftest import figures

__all__ = ["figures"]
