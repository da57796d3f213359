"""What a population of personas is worth."""
