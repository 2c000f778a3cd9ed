"""Receive a wearer's alerts and events without losing one, and notice when they stop coming.

`Receiver` decides, without I/O: feed it what arrives and the time, and send what it asks to send.
`Listener` does so over MQTT.
"""

from detector.receiver.listener import Listener
from detector.receiver.news import Answer, ReceivedEntry, ServiceState
from detector.receiver.open_alerts import OpenAlerts
from detector.receiver.receiver import Receiver

__all__ = ["Answer", "Listener", "OpenAlerts", "ReceivedEntry", "Receiver", "ServiceState"]
