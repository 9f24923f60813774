"""The clients of attacks, which run in a process of their own, with the lowest priority.

So the time that callbacks wait is the service's, and not that of a client on the same machine.
"""
