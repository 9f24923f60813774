"""Tests of the benchmark's statistics, files and plots; none of them measures anything."""
