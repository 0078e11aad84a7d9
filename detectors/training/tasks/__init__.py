"""What is particular to the training of each model."""
