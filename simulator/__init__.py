"""A gateway to try everything on: the same endpoint, a made-up world behind it, and the truth about that world.

    world = World.recent(seed=7, tasks=200, now=clock())
    with serve(SimulatedGateway(world, key="k", clock=clock)) as base_url:
        ...                                   # GET {base_url}/avatar/task/{world.ids[0]}
    world.truth(clock()).tasks                # what the warehouse must hold

`clock` says how a task's life unfolds; `words` what the world is made of; `population` draws its tasks; `life` tells
what the gateway has noticed of one at an instant; `work` makes up the provider's side; `render` writes the answer and
`truth` the rows, each from the model; `quirks`, `special` and `kinds` hold every odd answer there is.
"""

from simulator.app import SimulatedGateway
from simulator.clock import ManualClock, SimClock
from simulator.limits import Faults, RateLimit
from simulator.odd.kinds import KINDS, expected_outcome
from simulator.server import run, serve
from simulator.truth import Truth
from simulator.world import World

__all__ = [
    "KINDS",
    "Faults",
    "ManualClock",
    "RateLimit",
    "SimClock",
    "SimulatedGateway",
    "Truth",
    "World",
    "expected_outcome",
    "run",
    "serve",
]
