"""Benchmarks: `python -m bench [NAME…]`. Each measures against a baseline in the same run and writes bench/results/."""
