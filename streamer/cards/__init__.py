"""Model cards: what a bundle was made from, what it is worth and where it ends, for people and programs."""
