"""What people are shown of a running night: states, news, sound, pauses, health."""
