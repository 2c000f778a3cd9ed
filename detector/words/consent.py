"""What somebody agrees to who gives a night away, and what stands beside it."""

from __future__ import annotations

CONSENT = """I give away this recording of my movements at night, and agree to the following.

1. What is in it: the movement of the sensors through the night, where on the body they were worn,
   what spasmwatch found, and what people said that it was. Nothing else.
2. What is not in it: names, addresses, notes, the date, the time of day but for its hour, serial
   numbers, and the id under which spasmwatch keeps my nights.
3. Movement can be personal. Somebody who has another recording of mine may be able to tell that
   both are of one person. It shows when I moved, turned and got up.
4. Everybody may use it, for research, teaching and products, without asking me, and pass it on
   (Creative Commons CC0 1.0). Nobody has to tell me what they found, or pay me.
5. I give it of my own will, for myself, or for somebody who asked me to and for whom I may decide.
   I am of age where I live.
6. I can ask whoever published it to take it down. Copies that others made by then cannot be called
   back.
7. It is no medical record, and spasmwatch is not a medical device: nobody watches over me by it.
"""

SHARED_README = """A night of a movement sensor, given away by its wearer (see CONSENT.txt).

about.json                what was worn where, at which rate
sensor-N.csv              acceleration in g on the sensor's own clock, empty where none was measured
sensor-N_events.tsv       what people said that movements were (BIDS events); most have no label
sensor-N_found.tsv        what spasmwatch found: automatic, and sometimes wrong

Times are moved: every night begins on 1 January 2000, in the hour in which it really began by the
clock on the wall. Times within the night, and between sensors, are as they were.
To look at it: spasmwatch detect sensor-1.csv
Not a medical device, and no medical record.
"""
