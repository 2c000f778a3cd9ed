"""Simulated movement with ground truth. Physics and kinematics, no recorded person."""
