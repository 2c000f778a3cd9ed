"""A third simulator of movements in bed: forward dynamics of a leg, not drawn curves.

Muscle torques and outer forces act on a chain of thigh, shank and foot that lies on a mattress;
what the sensor feels, when a movement begins and ends, and whether a clonus beats, come out.

- `channels` what acts · `body` a random leg and bed · `lying` postures · `muscle` shapes of torque
- `dynamics` the integrator, `contact` with the bed · `rows` movements that follow closely, as one
  drive
- `clonus` two engines and their beats · `spastic`, `ordinary`, `others`, `upright` movements
- `wearing` the sensor on the leg · `recording` samples and truth
- `repertoire` movements by name · `planning` a night · `generator` nights and scenes
"""

from firmware_sim.torque.generator import NIGHTS, PREFIX, SCENES, SHORTEST_S, night, nights, scene
from firmware_sim.torque.wearing import SITES

__all__ = ["NIGHTS", "PREFIX", "SCENES", "SHORTEST_S", "SITES", "night", "nights", "scene"]
