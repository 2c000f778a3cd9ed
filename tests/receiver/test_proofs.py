"""Laws of proofs: a recording of the service holds no deadline, in whatever order it comes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from detector.mqtt.contract import Availability, Leaf
from detector.mqtt.security.signing import Proof
from detector.receiver.news import Absence
from detector.receiver.proofs import Proofs
from detector.receiver.receiver import Receiver
from detector.status import StateWord

STOPPED = Availability.STOPPED.value.encode()
proofs = st.builds(Proof, st.integers(1, 5), st.integers(1, 9))


def beat(proof: Proof) -> bytes:
    return json.dumps(
        {"boot_id": f"b{proof.run}", "seq": proof.seq, "state": "watching", "expires_in_s": 15}
    ).encode()


@given(lived=st.lists(proofs, min_size=1), recorded=st.lists(st.integers(0, 200), max_size=50))
def test_no_recorded_heartbeat_is_taken_again_even_after_a_restart_of_the_receiver(
    lived: list[Proof], recorded: list[int]
) -> None:
    heard = Proofs()
    for proof in sorted(set(lived)):
        assert heard.take(Leaf.HEALTH, b"", proof)
    again = Proofs()
    again.load(json.loads(json.dumps(heard.save())))
    for number in recorded:
        assert not again.take(Leaf.HEALTH, b"", lived[number % len(lived)])
    assert again.unproven == len(recorded)
    assert again.take(Leaf.HEALTH, b"", Proof(6, 1))


@given(st.lists(proofs, max_size=40))
def test_heartbeats_replayed_for_ever_hold_no_deadline(recorded: list[Proof]) -> None:
    receiver = Receiver("anna", mono_s=0.0, needs_proof=True)
    receiver.feed(Leaf.HEALTH, beat(Proof(5, 9)), retained=False, mono_s=0.0, proof=Proof(5, 9))
    assert receiver.state.word is StateWord.WATCHING
    for second, proof in enumerate([*recorded, *recorded], start=1):
        payload = beat(proof)
        receiver.feed(Leaf.HEALTH, payload, retained=False, mono_s=second / 10, proof=proof)
    receiver.tick(15.0)
    assert receiver.state.word is Absence.SILENT


@given(run=st.integers(1, 3), seq=st.integers(1, 3), heard=st.none() | proofs)
def test_stopped_is_believed_only_as_the_last_word_of_the_run_that_is_heard(
    run: int, seq: int, heard: Proof | None
) -> None:
    known = Proofs()
    if heard is not None:
        known.take(Leaf.HEALTH, b"", heard)
    said = known.take(Leaf.AVAILABILITY, STOPPED, Proof(run, seq))
    assert said == (heard is not None and run == heard.run and seq > heard.seq)


@given(leaf=st.sampled_from(list(Leaf)), payload=st.binary(max_size=9))
def test_without_a_proof_nothing_is_taken(leaf: Leaf, payload: bytes) -> None:
    assert not Proofs().take(leaf, payload, None)
