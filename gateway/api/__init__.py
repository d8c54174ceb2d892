"""REST: who is asking, one verb of a room, the answer shaped. No decision is made here."""
