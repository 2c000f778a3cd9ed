"""Settings: one TOML file, every key optional; the only place with defaults."""

from detector.config.contacts import ContactSettings
from detector.config.followed import FollowSettings
from detector.config.problems import Problem, SettingsError
from detector.config.reading import (
    Configuration,
    check_command,
    default_path,
    read_configuration,
    usable_settings,
)
from detector.config.settings import (
    AlertSettings,
    BrokerAddress,
    LogSettings,
    MqttSettings,
    RecordingSettings,
    SensorSettings,
    Settings,
    WearerSettings,
    WebSettings,
)

__all__ = [
    "AlertSettings",
    "BrokerAddress",
    "Configuration",
    "ContactSettings",
    "FollowSettings",
    "LogSettings",
    "MqttSettings",
    "Problem",
    "RecordingSettings",
    "SensorSettings",
    "Settings",
    "SettingsError",
    "WearerSettings",
    "WebSettings",
    "check_command",
    "default_path",
    "read_configuration",
    "usable_settings",
]
