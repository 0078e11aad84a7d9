"""Dead letters after they were written: how many are too many, what they say, and their way back."""
