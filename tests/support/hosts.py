"""Host headers that name this machine, and Host headers that don't."""

LOOPBACK_HOSTS = (
    "localhost",
    "LocalHost:1",
    "127.0.0.1",
    "127.0.0.1:8000",
    "127.255.0.9:8000",
    "[::1]",
    "[::1]:8000",
)
OTHER_HOSTS = (
    "",
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1,evil.example",
    "evil.example,127.0.0.1",
    "127.1",
    "0.0.0.0",
    "10.0.0.1:8000",
    "[::2]:8000",
    "[::]",
    "::1",
    "127.0.0.1@evil.example",
    "localhost/",
    "localhost:",
    "[127.0.0.1",
)
