"""A sealed second simulator of movements in bed: written apart from the detector, for scoring only.

**Nothing may be tuned on it.** No threshold, model, rule or other generator may be chosen, trained
or adjusted by what it returns, nor may its parameters follow a detector's results: after one
change made because of a score on it, it is no longer sealed. A rule that was fitted to one
simulator lost 0.9 of its sensitivity on another; only a figure on an unseen generator shows what
holds in general. Its author read neither the detector nor `firmware_sim.motion`, apart from the
`Truth` and `Trace` values that it returns.

What is modelled, unlike in a generator that draws movements as curves of an angle:

- **Torque comes first.** Every movement begins as a muscle's drive (its rectified, smoothed EMG,
  ragged as EMG is), passes a critically damped second-order twitch (Milner-Brown, Stein and Yemm
  1973 [recalled]) and turns a damped inertial segment. Rise times, overshoot, beat shape and the
  asymmetry of a beat are results; none is drawn at random.
- **Clonus** is a train of bursts that fill 30-45 % of each beat [estimate], at 3.6-7.6 Hz (Wallace
  2005: means 4.7-7.0; Hidler and Rymer: 3.8-5.8; Boyraz 2015: 5-8), first beats longer and
  settled by beat 5 (Boyraz 2015), with correlated beat-to-beat strength. The foot moves the calf
  by a reaction of 8-35 % [research: 10-50 %] that has its own phase, so paths are ellipses.
- **Spasms** are steps of force in hip, knee and ankle flexors, or in extensors; they hold, fade,
  tremble at 7-13 Hz and relax; part stays bent. **Tonic pulls** are slow steps. **Twitches** are
  one short burst. Periodic movements keep the intervals of WASM 2016.
- **Three joints and three turns** of a chain of segments carry the sensor, so that one movement
  reaches foot, ankle, calf, thigh, wrist and trunk by each one's lever and coupling.
- **Ordinary movement**: turns as rolls of the whole body in several pushes, band-limited tremor
  (essential-tremor-like), scratching, a walk to the bathroom, a bed partner and knocks through a
  second-order mattress, a phone's buzz aliased by a weak filter.
- **Hard recordings** beside them (`HARD`: four scenes, three nights) hold what these leave out.
  Spasms that ramp up for 0.3-3 s or strike, are held 0.5-60 s, tremble, heave and tire: a muscle as
  a spring of changing stiffness lifts a leg against its weight or slides it over the sheet, and
  when it lets go the leg sinks, drops on a mattress that only pushes, or stays where friction holds
  it. Stiffness that hardly moves. Stretching, the blanket, restlessness; scratching by a hand and
  by the other foot, a jiggling foot, rubbing, kneading; a hemiparetic walk; a mattress that rings
  at 2.5-9 Hz, a partner who leaves, a pet, a washing machine, a train. A quarter is worn on a
  **slack strap** (4-9 Hz, damping 0.03-0.15, sliding), which the manner of every truth says.
- **The wearable**: a soft strap's resonance that turns around the limb as the night goes on,
  breath and heartbeat at rest, noise, step, range, scale and offset errors, a clock up to 3 % off.

Where a number has no source beside it, it is an [estimate]. Not modelled: lost packets, jitter of
single samples, contact of the limb with bed rail or the other leg, non-wear. At `trunk` and
`wrist` posture is coarse, a walk above all.

A truth begins when the force at the sensor has changed by 5 % of the movement's largest change (at
least 5 mg) and ends when the muscles are quiet and it stays within 10 % of its final value:
similar to the energy bounds of Mummidisetty 2012. A movement below 6 mg has no truth. In hard
recordings it begins and ends at 2 % of the peak (at least 3 mg), a clonus with its last beat, and
all of it as a firm strap would show it.
"""

from firmware_sim.sealed.generator import HARD, NAMES, sealed
from firmware_sim.sealed.skeleton import SITES

__all__ = ["HARD", "NAMES", "SITES", "sealed"]
