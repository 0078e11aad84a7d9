"""How models are judged on past payments: train, wait for the labels, test, one day after the other."""
