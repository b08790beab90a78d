"""One journey through the planner in a real browser, by keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

LINK = "/planner?data=skin_phantom&eps=8&n=4000&patients=1500&epochs=60&rec=0.001"


def test_a_visitor_asks_forwards_and_backwards(visit: Callable[..., Page], settle: Callable[[Page], None]) -> None:
    page = visit(LINK)
    expect(page.locator(".pl-levels .pp-card")).to_have_count(2)
    expect(page.locator(".pl-band .pl-shade")).to_have_count(1)
    field = page.get_by_label("Epochs", exact=True)
    field.focus()
    field.fill("30")
    field.press("Enter")
    page.wait_for_url("**epochs=30**")
    settle(page)
    button = page.get_by_role("button", name="over")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("!location.search.includes('eps=8&')")
    settle(page)
    expect(page.locator(".pp-summary")).to_contain_text("1 in 1,0")
    with page.expect_download() as loaded:
        page.get_by_role("button", name="Plan file (JSON)").click()
    assert "pinch plan" in loaded.value.path().read_text(encoding="utf-8")
    page.locator(".st-key-plan_ledger_open input[type=file]").set_input_files(
        {"name": "bomb.json", "mimeType": "application/json", "buffer": b"[" * 1000}
    )
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
