"""The demonstration: real Kafka, simulated payments, the real worker."""
