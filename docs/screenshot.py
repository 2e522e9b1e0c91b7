"""Remake report.png, the picture in README, from the report of the default run: ``python docs/screenshot.py``.

Needs Chromium, such as Debian's package chromium.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1120, 835  # CSS pixels: the column of text with its margins, down to the scores of the test set


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, nargs="?", default=ROOT / "reports" / "index.html", help="the report")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "report.png")
    arguments = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"error: there is no {' or '.join(BROWSERS)}; install one, on Debian with: apt install chromium")
    if not arguments.page.is_file():
        sys.exit(f"error: {arguments.page} does not exist; make it with: make demo")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", f"--user-data-dir={profile}", "--hide-scrollbars"]
        command += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={arguments.out.resolve()}"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium's sandbox refuses root
        subprocess.run(
            [*command, arguments.page.resolve().as_uri()], check=True, stderr=subprocess.DEVNULL, timeout=120
        )
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
