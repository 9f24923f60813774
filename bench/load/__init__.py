"""The load: signed callbacks, prepared before a run, and wrk, which sends them."""
