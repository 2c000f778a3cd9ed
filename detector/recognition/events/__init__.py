"""What bouts mean together: sequences, periodic series, several sensors."""
