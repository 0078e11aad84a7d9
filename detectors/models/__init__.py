"""Models: one file each with its configuration, module, loss and score."""
