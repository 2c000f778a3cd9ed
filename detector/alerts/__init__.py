"""From events to alerts: when someone is told, and what becomes of it. Pure."""
