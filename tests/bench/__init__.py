"""Tests of what the benchmark reckons, writes and draws; none of them measures anything."""
