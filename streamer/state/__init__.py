"""State of input partitions: windows, features and their update."""
