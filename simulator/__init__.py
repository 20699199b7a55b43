"""A simulated gateway: the same endpoint, a generated world of tasks behind it, and the expected rows for that world.

    world = World.recent(seed=7, tasks=200, now=clock())
    with serve(SimulatedGateway(world, key="k", clock=clock)) as base_url:
        ...                                   # GET {base_url}/avatar/task/{world.ids[0]}
    world.truth(clock()).tasks                # what the warehouse must hold

`clock` is the simulated time; `words` has actions, channels and failure texts; `population` draws the tasks; `life` is
what the gateway knows about a task at an instant; `work` generates the provider's side; `render` writes the answer and
`truth` the expected rows, both from the model; `account` has the family's other endpoints; `odd/quirks`, `odd/special`
and `odd/kinds` have all unusual answers, `odd/videos` the same tasks in another shape, `odd/callbacks` what is posted
when tasks end.
"""

from simulator.account import Account
from simulator.app import SimulatedGateway
from simulator.clock import ManualClock, SimClock
from simulator.limits import Faults, RateLimit, WindowLimit
from simulator.odd.callbacks import Callbacks
from simulator.odd.kinds import KINDS, expected_outcome
from simulator.server import run, serve
from simulator.truth import Truth
from simulator.world import World

__all__ = [
    "KINDS",
    "Account",
    "Callbacks",
    "Faults",
    "ManualClock",
    "RateLimit",
    "SimClock",
    "SimulatedGateway",
    "Truth",
    "WindowLimit",
    "World",
    "expected_outcome",
    "run",
    "serve",
]
