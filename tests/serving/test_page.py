"""The page, in a real browser."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.toy_project import REPOSITORY

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def url(trained):
    command = [sys.executable, "-m", "serving", "--bundle", str(trained[1]), "--port", "0"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield re.search(r"http://\S+", process.stdout.readline())[0]
        process.terminate()


def test_it_is_three_files_that_load_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="(.*?)"', page.text)
    assert sorted(files) == ["/page.css", "/page.js", "data:,"]
    assert all(client.get(path).status_code == 200 for path in files if path.startswith("/"))
    (model,) = client.get("/models").json()
    assert (model["model"], model["version"], model["source"]) == ("tiny", "7", "en")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")
def test_a_person_types_and_sees_translations_words_and_the_model(url):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto(url)
        page.fill("#source", "- the king sees 12 books .\n  a dog paints <b>the</b> sea .")
        page.wait_for_selector("output button")
        shown = page.inner_text("#target")
        assert shown.startswith("- ") and "\n  " in shown
        assert page.locator("#others li").count() >= 1
        page.keyboard.press("Tab")  # the words can be reached and chosen without a mouse
        page.keyboard.press("Enter")
        assert page.locator('output button[aria-pressed="true"]').count() == 1
        assert "% sure" in page.inner_text("#word h3")
        assert page.inner_text("#read") == "the king sees 12 books ."
        assert page.locator("#read mark").count() >= 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 390  # nothing sticks out on a phone
        page.fill("#source", "x" * 100_001)
        page.wait_for_selector("#error:visible")
        assert "exceeds text limit" in page.inner_text("#error")
        assert page.inner_text("#who").startswith("The model: ")
        browser.close()
    assert [fault for fault in faults if "413" not in fault] == []
