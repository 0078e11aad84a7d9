"""Events: records understood as transactions."""
