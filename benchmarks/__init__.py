"""Ratios, measured side by side in one run on one machine: `python -m benchmarks`, or `make bench`.

Absolute figures move with the machine and with what else runs on it; a ratio to a yardstick of the same run does not.
Servers run on the first core and load on the second, in interleaved rounds. What is timed is checked: the answers
before, the log after.
"""
