"""The fixed texts of the page: what was measured, on whom, and sources."""

from __future__ import annotations

from freezes import FREEZE_INDEX, LEAST_G, WINDOW_S
from sure import SURE

HEAD = """\
# How well does it work?

> **Not a medical device. No recording of real clonus or of an MS spasm is public**, and no night
> with a sensor on a leg. The figures show how well *simulated* movements are found, and how often
> *real* movements of other people are taken for spasms. They do not show how many of a person's
> spasms will be found.

**Simulated**, and so labelled: movements from our own generator (two unrelated engines for clonus),
from one that integrates the *forward dynamics* of a leg on a mattress, and from a *sealed* one,
written apart from the detector: nothing was trained or fitted on it, but its usual nights were
looked at when two of the learned levels were thought of and two numbers left out. Learned opinions
were trained on other nights of the first two, hard ones included: the sealed one shows what they do
where they meet another's physics, and the card below, "One generator, one data set left out", what
a model finds that never saw one of the two. **Simulated in real**: simulated clonus put into
recordings of people. **Real**: recordings of people who have Parkinson's or epilepsy, mimic
seizures, or go about their day.

**How to read it.** *Named right*: an overlapping event has the right kind. *Seen*: one is a likely
spasm of any kind. An event may begin 0.5 s before a movement and end 1 s after it; events of one
kind less than 1 s apart count as one. *False alarms* are clonus, spasm and tonic that overlap no
spasm; twitches, which look like a bump on the bed, are counted apart. In brackets 95 % intervals:
Wilson's for shares, exact Poisson for rates (none in T hours means fewer than 3/T), and behind a
semicolon the bootstrap over people, or over recordings where they are simulated; with fewer than
three, or where all agree, there is none. Errors and latencies are given as p50 / p90.
"""

PEERS_NOTE = """\
Beside our figures are those of two other rules on the same samples: **OpenSeizureDetector's** with
its default settings (*OSD alarm*, and *OSD first block*, its first positive 5 s), and a
**band-power** rule (more than half of the power in 3-8 Hz, at least 20 mg). The first is made for
tonic-clonic seizures at the wrist and not for a leg: it is the closest active open project, and its
figures here say nothing about its quality at what it is made for. Whatever they find is counted as
clonus, the rhythmic kind they look for.
"""

QUICK = "> **A smoke test: too little was measured for any figure to mean anything.**"

ABOUT = {
    "clonus": """\
Simulated bouts of 3 beats to a minute, in a limb at rest: two engines of our own, a delayed reflex
loop and a train of pulses, and the sealed generator's bursts of muscle force.
""",
    "spasms": """\
Simulated spasms, twitches and tonic pulls, in a limb at rest.
""",
    "mixed": """\
Simulated spasms that end in clonus are one event, `clonus`, with both parts; any of its parts names
it right. The sealed generator mixes all spasms with some ordinary movements.
""",
    "sites": """\
The same simulated movements, measured elsewhere on the leg.
""",
    "still-nights": """\
Simulated nights with tremor, periodic leg movements, turns, bumps, a bed partner, a phone's buzz,
scratching and walks to the bathroom, and not one spasm: every alarm is false. *Hard nights* and
those of *forward dynamics* add what the rules were never set on: stretches, the blanket, jiggling
feet, steady scratching, a mattress that rings, a pet, and in a quarter of them a loose strap.
""",
    "nights": """\
Simulated whole nights with spasms in clusters among all of the above. In *hard* and *severe* nights
and those of *forward dynamics* most spasms are ramped (0.3 to 3 s), held up to a minute, trembling,
and let go with a drop of the heel; a severe night has one after another.
""",
    "words": """\
How long it takes from the true onset until a likely spasm (clonus, spasm or tonic) is first
published that overlaps the movement, in packets of 0.2 s as live; and how many announcements were
taken back, since the whole movement was no likely spasm. *Ramped* spasms rise in 0.3 to 3 s, all
others are *sudden*; those that end in clonus are among them. Movements without any word stand
beside the quantiles, which cannot hold them.
""",
    "alarms": """\
Alarms of the default rules for spasms, `clonus >= 60s` and `3 spasms in 10min`, by what they ask
of the context in which each event began. *True*: as many spasms as the rule counts began in its
time, or one goes on. *Lost*: true alarms of rules that ask for nothing, at which no alert is open;
*later* is the most by which another comes. *Say so*: events that wake nobody for a context, as
their reason says. The default must lose none, so that it is `unless up`. `from rest`, of the
counting rule alone, saves false alarms and loses most true ones: severe nights are restless.
""",
    "counts": """\
What `spasmwatch detect` says of a night's count: the true one lies between two numbers with a
probability of at least 90 %. They follow from how often the detector misses and invents movements,
measured on simulated nights (`models/<model>/rates.json`, rebuilt by `make error-rates`) and
widened for what differs from night to night and from one simulator to the next: a wearer is one
more of them. False events have a rate of their own where the wearer rests, is restless and is up,
and the night's interval is the sum; beside it stands the one by rates of all contexts together.
Here the rates are never those of the simulator whose nights are counted.
""",
    "personal": """\
A simulated wearer is one recording of a day, cut into four nights of six hours: body, strap, bed,
company and habits stay, and differ from wearer to wearer; the strap is never put on again, which
real nights do. Somebody who knows the truth labels every alarm of the first three nights, and
every proposal is accepted; the fourth is judged. *Seen*: an alarm lies on a true clonus, spasm or
tonic one. A bar asks for a generator that the model never saw: for the forward dynamics one is
trained without them (`models/training/left_out.py`), which gives far more false alarms there than
the shipped one. *Another wearer's*: what the next wearer's minimums do here, which is what they owe
to the simulator alone.
""",
    "ablation": """\
How many more spasms (clonus, spasm, tonic) are found, and how many more false ones, where one check
is met by any number: +3 false means that the check saves three. *In people*: likely spasms of some
who have none, at ankle, thigh and wrist. With learned opinions the rules decide what is asked and
what is no spasm; *rules alone* is `rules-v1`.
""",
    "alike": """\
Simulated movements that are not spasms: the share that was named right, and the share that was
taken for a likely spasm (twitches included; less is better).
""",
    "buried": """\
Simulated clonus put into real recordings of ankles (Daphnet, Stanford; freezes left out): in
walking, turning and standing, and beside it, where Daphnet's people sit, stand and wait and sensors
are handled. The background is the recording's rms over that of the clonus. Rows with nothing put in
show how often such a place is called clonus by chance.
""",
    "gait": """\
People with Parkinson's walk, turn, and stand still on purpose; at the lower back somebody walks and
gets up from a chair (scikit-digital-health), and one person with MS and one without walk and go
about simulated daily activities (Mobilise-D). Freezes have a section of their own; in Daphnet,
stretches outside the experiment are left out, as they have no labels. Every alarm is false.
""",
    "freezes": f"""\
Legs tremble at 3-8 Hz in some freezes of gait: the nearest public thing to clonus at the ankle.
Which ones do is decided without the detector, by a criterion that was written down before it was
used: in some window of {WINDOW_S:g} s the freeze index is above {FREEZE_INDEX:g}, a third of the
power lies about one peak in 3-8 Hz, and the trembling is at least {1000 * LEAST_G:.0f} mg
(`models/evaluation/freezes.py`). *Rhythmic*: called clonus or tremor; *alarm*: clonus, spasm or
tonic.
""",
    "tremor": f"""\
Tasks of half a minute with a phone, by users of an app for Parkinson's: in the hand (scored as at
the wrist, the nearest place that we know) or on the thigh. The task is the label; whether somebody
trembled is not said. In agility of the leg (stamping) and turning the hand to and fro they move
fast and evenly on purpose. *Sure*: a clonus with a confidence of {SURE:g} or more.
""",
    "hand": """\
Everyday acts at the wrist, where a flick out of rest and a spasm look alike. The rules are made for
the leg; every alarm is false. ParaDigMa has twelve minutes of the daily life of a person with
Parkinson's and half an hour, awake, of somebody else.
""",
    "mimicked": """\
Clips of 12.9 s at 16 Hz from the wrist of three people who mimic a clonic seizure, walk, run or saw
(UEA archive). A clip has no rest before it. Sawing is divided by its rate, the highest peak of its
spectrum: from 3 Hz up it is a steady rhythm in the band of clonus. OpenSeizureDetector's ALARM
needs three positive blocks of 5 s in a row: no clip is long enough for it.
""",
    "seizures": """\
[OpenSeizureDetector](https://openseizuredetector.org.uk) is a free phone app that watches a
smartwatch for tonic-clonic seizures. Every 5 s it takes 125 samples of the acceleration's magnitude
and compares the power in 3-8 Hz with that up to 12 Hz; positive blocks for more than 5 s are a
WARNING, for more than 10 s an ALARM. spasmwatch analyses three axes every 0.24 s while there is
movement, requires beats that resemble each other one period apart and no walking stride, names what
it finds and gives the reason. It is made for the leg, for clonus and spasms, and is **not a seizure
detector**: do not use it as one.

This section is the comparison that the licence of the data requires. Data:
[OpenSeizureDatabase](https://github.com/OpenSeizureDetector/OpenSeizureDatabase) by Graham Jones
and the people who share their seizures, CC BY 4.0 with clause 3b. Wrist, 25 Hz, and for all but one
recording the magnitude only, so posture is unknown; older ones hold |x|+|y|+|z|. *OSD's rule* is
our own port of its published rule; *OSD's app* is the app's result on the person's phone, with its
settings at that time.

The recordings were kept *because* an alarm rang or a button was pressed: their false alarms in 24 h
do not represent daily life, and the app's result decided which seizures are in the set at all. A
seizure is found when an alarm overlaps its label, 5 s to either side, the accuracy of the labels.
""",
}

SOURCES = """\
## Whose recordings

Daphnet (Bächlin et al. 2010; UCI 245, CC BY 4.0) · Stanford freezing of gait (O'Day et al. 2022,
BSD-3) · HMP wrist-worn ADL (Bruno et al. 2012; UCI 283, CC BY 4.0) · UJI smartwatch timed-up-and-go
(Matey-Sanz et al. 2023, CC BY 4.0) · Seglearn watch (Burns et al. 2018, BSD-3) · UEA Epilepsy
(Villar et al. 2016; Bagnall et al. 2018; evaluation only) · ActiGraph sample of pygt3x (GPL-3 test
resource; evaluation only) · CloudUPDRS recordings of pdkit (MIT) · ParaDigMa examples (Apache-2.0)
· scikit-digital-health examples (MIT) · mobgap example data of Mobilise-D (Apache-2.0) ·
OpenSeizureDatabase (CC BY 4.0 and clause 3b). None of them is part of this repository.
"""
