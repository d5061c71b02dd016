"""Training loops that are compared. Each has `measure(seconds)`: images a second, over at least as many seconds."""
