"""Remake page.png, the picture in serving.md, from a running service: ``python docs/page_screenshot.py [URL]``.

Needs Chromium, such as Debian's package chromium.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TEXT = "Will the market open at 3:30 PM?\nI would like two tickets to Berlin for Friday."


def main() -> None:
    """Type a text, choose a word, and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8080", help="of the service")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("page.png"))
    arguments = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"error: there is no {' or '.join(BROWSERS)}; install one, on Debian with: apt install chromium")
    with sync_playwright() as play:
        page = play.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page(
            viewport={"width": 1000, "height": 620}
        )
        page.goto(arguments.url)
        page.fill("#source", TEXT)
        page.wait_for_selector("output button")
        page.locator("output button").nth(2).click()
        page.screenshot(path=arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
