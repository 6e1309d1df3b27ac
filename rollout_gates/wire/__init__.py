"""How a gate talks to a system: one client, one recorder, one pace, one budget."""
