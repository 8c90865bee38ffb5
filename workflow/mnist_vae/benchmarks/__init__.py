"""Timings, as ratios of runs that take turns: machines differ, and are shared."""
