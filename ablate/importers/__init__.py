"""Results that other tools wrote, read into the same form as our own."""
