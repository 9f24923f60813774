"""Chromium without a window, driven by Selenium. Debian's packages are enough."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_CHROMIUM, _DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

needs_chromium = pytest.mark.skipif(
    not (_CHROMIUM and _DRIVER),
    reason="Chromium or its driver is missing: install Debian's packages chromium and "
    "chromium-driver.",
)


@contextmanager
def open_chromium() -> Iterator[Chrome]:
    """Yield a browser with a profile of its own."""
    options = ChromeOptions()
    options.binary_location = _CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    driver = Chrome(options=options, service=ChromeService(_DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def emulate(driver: Chrome, *, width: int, dark: bool = False, media: str = "screen") -> None:
    """Make the browser's window so wide, in a dark or a light theme; `media` may be `print`."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
