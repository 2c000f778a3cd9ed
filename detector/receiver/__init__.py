"""Receive a wearer's alerts and events without losing one, and notice when they stop coming.

`Receiver` decides, without I/O: feed it what arrives and the time, and send what it asks to send.
`Listener` does so over MQTT.
"""

from detector.receiver.listener import Listener
from detector.receiver.open_alerts import OpenAlerts
from detector.receiver.receiver import ReceivedEntry, Receiver
from detector.receiver.service_state import ServiceState
from detector.receiver.wishes import NotPaused

__all__ = ["Listener", "NotPaused", "OpenAlerts", "ReceivedEntry", "Receiver", "ServiceState"]
