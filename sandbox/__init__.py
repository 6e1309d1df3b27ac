"""Stand-in systems on loopback, with switchable faults. Talked to over sockets only."""
