"""From events to alerts: wake rules, and the states of an alert. Pure."""
