"""What a deployment does over time: from its rows, its log, and probes of our own."""
