"""A step on paper: items by mouse, finger and key, what can be undone, and what an input method or a paste brings."""

from playwright.sync_api import expect

from .visitor import LANGUAGES

TEXTS = ["Count", "Enter", "Compare", "Report"]


def write(visitor, group, texts):
    """Items at the end of a list, as someone types them."""
    visitor.new_item(group).focus()
    for text in texts:
        visitor.page.keyboard.insert_text(text)
        visitor.page.keyboard.press("Enter")
    holds(visitor, group, texts)


def holds(visitor, group, texts):
    for number, text in enumerate(texts, start=1):
        expect(visitor.item(group, number)).to_have_value(text)
    expect(visitor.item(group, len(texts) + 1)).to_be_hidden()


def handle(visitor, group, number):
    return visitor.item(group, number).locator("xpath=..").locator(".handle")


def centre(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag_by_mouse(visitor, source, target):
    mouse = visitor.page.mouse
    source.scroll_into_view_if_needed()
    mouse.move(*centre(source))
    mouse.down()
    mouse.move(*centre(target), steps=12)
    # The list makes room where the item would land.
    visitor.page.wait_for_timeout(500)
    mouse.move(*centre(target), steps=3)
    visitor.page.wait_for_timeout(300)
    mouse.up()
    expect(visitor.page.locator("#dnd-action-dragged-el")).to_have_count(0)


def drag_by_finger(visitor, source, target):
    client = visitor.context.new_cdp_session(visitor.page)

    def touch(kind, *points):
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    (x, y), (to_x, to_y) = centre(source), centre(target)
    touch("touchStart", (x, y))
    for step in range(1, 13):
        touch("touchMove", (x + (to_x - x) * step / 12, y + (to_y - y) * step / 12))
        visitor.page.wait_for_timeout(30)
    visitor.page.wait_for_timeout(500)
    touch("touchMove", (to_x, to_y + 1))
    visitor.page.wait_for_timeout(300)
    touch("touchEnd")
    expect(visitor.page.locator("#dnd-action-dragged-el")).to_have_count(0)


def begins(visitors, language, step, **options):
    visitor = visitors(language, **options)
    visitor.sign_up()
    visitor.new_project("A step on paper")
    visitor.go_to(step)
    return visitor


@LANGUAGES
def test_the_flow_is_ordered_by_mouse(visitors, language):
    visitor = begins(visitors, language, "flow")
    write(visitor, "step_flow_items", TEXTS)
    drag_by_mouse(visitor, handle(visitor, "step_flow_items", 1), handle(visitor, "step_flow_items", 3))
    moved = ["Enter", "Compare", "Count", "Report"]
    holds(visitor, "step_flow_items", moved)
    said = visitor.page.get_by_role("status").filter(has_text=visitor.say("step_moved", text="Count", number=3))
    expect(said).to_be_attached()
    visitor.is_saved()

    visitor.take_back("undo").click()
    holds(visitor, "step_flow_items", TEXTS)
    visitor.take_back("redo").click()
    holds(visitor, "step_flow_items", moved)
    visitor.is_saved()
    visitor.page.reload()
    holds(visitor, "step_flow_items", moved)
    visitor.look("round-flow-items")


@LANGUAGES
def test_an_item_is_moved_between_columns_by_mouse(visitors, language):
    visitor = begins(visitors, language, "mvp")
    write(visitor, "step_mvp_must", TEXTS[:2])
    write(visitor, "step_mvp_later", TEXTS[2:])
    empty = visitor.new_item("step_mvp_optional")
    drag_by_mouse(visitor, handle(visitor, "step_mvp_must", 1), empty)
    holds(visitor, "step_mvp_must", ["Enter"])
    holds(visitor, "step_mvp_optional", ["Count"])
    drag_by_mouse(visitor, handle(visitor, "step_mvp_optional", 1), handle(visitor, "step_mvp_later", 1))
    holds(visitor, "step_mvp_optional", [])
    holds(visitor, "step_mvp_later", ["Count", "Compare", "Report"])
    visitor.is_saved()
    visitor.page.reload()
    holds(visitor, "step_mvp_must", ["Enter"])
    holds(visitor, "step_mvp_later", ["Count", "Compare", "Report"])
    visitor.look("round-mvp-items")


@LANGUAGES
def test_an_item_is_dragged_by_finger(visitors, language):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    visitor = begins(visitors, language, "flow", **phone)
    write(visitor, "step_flow_items", TEXTS)
    visitor.item("step_flow_items", 2).scroll_into_view_if_needed()
    drag_by_finger(visitor, handle(visitor, "step_flow_items", 3), handle(visitor, "step_flow_items", 1))
    holds(visitor, "step_flow_items", ["Compare", "Count", "Enter", "Report"])
    visitor.is_saved()


@LANGUAGES
def test_an_item_is_moved_by_key_and_by_button(visitors, language):
    visitor = begins(visitors, language, "extract")
    write(visitor, "step_extract_ui", TEXTS[:2])
    visitor.item("step_extract_ui", 2).press("Alt+ArrowUp")
    holds(visitor, "step_extract_ui", ["Enter", "Count"])
    expect(visitor.item("step_extract_ui", 1)).to_be_focused()
    visitor.page.keyboard.press("Alt+ArrowRight")
    holds(visitor, "step_extract_ui", ["Count"])
    holds(visitor, "step_extract_operation", ["Enter"])
    expect(visitor.item("step_extract_operation", 1)).to_be_focused()

    actions = visitor.item("step_extract_operation", 1).locator("xpath=..")
    actions.get_by_role("button", name=visitor.say("step_item_to", list=visitor.say("step_extract_data"))).click()
    holds(visitor, "step_extract_data", ["Enter"])
    visitor.item("step_extract_data", 1).locator("xpath=..").get_by_role(
        "button", name=visitor.say("step_item_strike"), exact=True
    ).click()
    expect(visitor.item("step_extract_data", 1)).to_have_css("text-decoration-line", "line-through")
    visitor.is_saved()

    # Strike, two moves, a move: the keys undo what no field can, one after the other.
    for _ in range(3):
        visitor.page.keyboard.press("ControlOrMeta+z")
    holds(visitor, "step_extract_ui", ["Enter", "Count"])
    visitor.page.keyboard.press("ControlOrMeta+Shift+z")
    holds(visitor, "step_extract_operation", ["Enter"])


@LANGUAGES
def test_what_was_typed_is_undone_by_its_field_and_by_the_button(visitors, language):
    visitor = begins(visitors, "en", "overview")
    theme = visitor.field("step_overview_theme")
    theme.press_sequentially("measure")
    visitor.page.keyboard.press("ControlOrMeta+z")
    expect(theme).not_to_have_value("measure")
    theme.fill("measure the drift")
    visitor.is_saved()
    visitor.take_back("undo").click()
    expect(theme).to_have_value("")
    visitor.take_back("redo").click()
    expect(theme).to_have_value("measure the drift")
    visitor.is_saved()


@LANGUAGES
def test_an_input_method_is_left_to_compose(visitors, language):
    visitor = begins(visitors, language, "flow")
    client = visitor.context.new_cdp_session(visitor.page)
    writes = []
    visitor.page.on("request", lambda request: writes.append(request.url) if request.method == "PATCH" else None)

    visitor.new_item("step_flow_items").focus()
    for text in ["g", "ご", "ごs", "ごさ"]:
        client.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    # Keys that the input method takes for itself: none of them may add, remove, move or undo anything.
    for key in ["Enter", "Backspace", "z"]:
        for kind in ["rawKeyDown", "keyUp"]:
            client.send(
                "Input.dispatchKeyEvent",
                {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": 229, "modifiers": 2 * (key == "z")},
            )
    visitor.page.wait_for_timeout(1_500)
    holds(visitor, "step_flow_items", ["ごさ"])
    assert writes == []

    client.send("Input.insertText", {"text": "誤差"})
    holds(visitor, "step_flow_items", ["誤差"])
    visitor.is_saved()
    assert len(writes) == 1
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.insert_text("負担")
    holds(visitor, "step_flow_items", ["誤差", "負担"])


@LANGUAGES
def test_a_paste_of_a_megabyte_is_kept_and_refused_with_the_limit(visitors, language):
    visitor = begins(visitors, language, "overview")
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    limit = visitor.say("problem_text_length", limit="20,000")
    theme = visitor.field("step_overview_theme")
    theme.focus()
    visitor.page.evaluate("navigator.clipboard.writeText('あ'.repeat(350_000))")
    visitor.page.keyboard.press("ControlOrMeta+V")
    expect(visitor.page.get_by_text(limit, exact=True)).to_be_visible()
    expect(theme).to_have_attribute("aria-invalid", "true")
    expect(visitor.page.get_by_text(visitor.say("draft_failed"), exact=True)).to_be_visible()
    visitor.page.reload()
    assert theme.evaluate("area => area.value.length") == 350_000
    expect(visitor.page.get_by_text(limit, exact=True)).to_be_visible()
    theme.fill("誤差")
    visitor.is_saved()

    visitor.go_to("flow")
    visitor.new_item("step_flow_items").focus()
    visitor.page.evaluate("navigator.clipboard.writeText('a line of the log\\n'.repeat(60_000))")
    visitor.page.keyboard.press("ControlOrMeta+V")
    items = visitor.page.get_by_role("list", name=visitor.say("step_flow_items"), exact=True)
    expect(items.get_by_text(visitor.say("problem_text_length", limit="2,000"))).to_be_visible()
    expect(visitor.item("step_flow_items", 1)).to_have_value("a line of the log")
    assert visitor.item("step_flow_items", 500).evaluate("area => area.value.split('\\n').length") == 60_000 - 499


@LANGUAGES
def test_words_of_a_step_become_nodes_some_all_or_none(visitors, language):
    visitor = begins(visitors, language, "overview")
    text = {
        "ja": "検査記録の転記が多い。入力画面を改善したい。在庫管理の誤差も減らす。",
        "en": "The inspection records are copied by hand. Inventory errors come from the paper ledger.",
    }[language]
    visitor.field("step_overview_theme").fill(text)
    visitor.is_saved()
    panel = visitor.button("words_show")
    panel.press("Enter")
    words = visitor.page.locator("#words")
    boxes = words.get_by_role("checkbox")
    expect(boxes.first).to_be_visible()
    visitor.look("round-words")
    offered = words.locator(".word").all_inner_texts()
    assert len(offered) >= 3

    # One is taken, one is refused, then the rest.
    boxes.first.press("Space")
    expect(boxes.first).to_be_checked()
    visitor.button("words_accept", count=1).press("Enter")
    expect(visitor.page.get_by_role("link", name=offered[0], exact=True)).to_be_visible()
    expect(boxes).to_have_count(len(offered) - 1)
    visitor.button("words_refuse", word=offered[1]).press("Enter")
    expect(boxes).to_have_count(len(offered) - 2)

    visitor.page.reload()
    visitor.button("words_show").click()
    expect(boxes).to_have_count(len(offered) - 2)
    assert not {offered[0], offered[1]} & {*words.locator(".word").all_inner_texts()}
    visitor.button("words_refuse_rest").click()
    expect(words.get_by_text(visitor.say("words_empty"))).to_be_visible()


@LANGUAGES
def test_what_stood_in_a_step_is_brought_back_and_that_undone(visitors, language):
    visitor = begins(visitors, language, "overview")
    theme = visitor.field("step_overview_theme")
    theme.fill("Count by hand")
    visitor.is_saved()
    visitor.button("history_show").click()
    dialog = visitor.page.get_by_role("dialog")
    revisions = dialog.locator("summary")
    expect(revisions).to_have_count(2)
    expect(revisions.first).to_contain_text(visitor.say("history_current"))
    revisions.first.click()
    expect(dialog.locator("ins").get_by_text("Count by hand")).to_be_visible()
    revisions.last.click()
    expect(dialog.get_by_text(visitor.say("history_nothing"))).to_be_visible()
    visitor.look("round-history")
    visitor.button("history_restore").press("Enter")
    expect(dialog).to_be_hidden()
    expect(theme).to_have_value("")

    visitor.take_back("undo").click()
    expect(theme).to_have_value("Count by hand")
    visitor.is_saved()
    visitor.page.reload()
    expect(theme).to_have_value("Count by hand")
    visitor.button("history_show").click()
    # The undo belongs to the same sitting as what it undid.
    expect(revisions).to_have_count(3)
