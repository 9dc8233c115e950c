"""Benchmarks: how long our code takes, side by side with a baseline."""
