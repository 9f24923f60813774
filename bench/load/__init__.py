"""The load: signed callbacks, made before the clock starts, and wrk, which sends them."""
