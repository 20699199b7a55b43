"""What the tests of intake share with the others."""

from tests.flows.conftest import avatar_tasks, connected, ended_world, gateway
from tests.promises.conftest import figures

__all__ = ["avatar_tasks", "connected", "ended_world", "figures", "gateway"]
