"""Two devices that changed the same thing: nothing is lost, and the person chooses field by field."""

from playwright.sync_api import expect

from .visitor import LANGUAGES


def on_two_devices(visitors, language, step):
    """One account in two browsers, with the same step open."""
    first = visitors(language)
    name = first.sign_up()
    first.new_project("Two devices")
    second = visitors(language)
    second.open("/login")
    second.log_in(name)
    for visitor in (first, second):
        visitor.expected = ["409"]
        if visitor is second:
            visitor.open(first.page.url.removeprefix(first.stack.page))
        visitor.go_to(step)
    return first, second


def compares(visitor):
    expect(visitor.page.get_by_text(visitor.say("draft_conflict_title"))).to_be_visible()
    visitor.button("draft_conflict_compare").click()
    dialog = visitor.page.get_by_role("dialog", name=visitor.say("draft_conflict_title"))
    expect(visitor.button("draft_sides_save")).to_be_visible()
    return dialog


@LANGUAGES
def test_texts_are_chosen_field_by_field(visitors, language):
    first, second = on_two_devices(visitors, language, "overview")
    first.field("step_overview_theme").fill("Theme of the first")
    first.field("step_overview_purpose").fill("Purpose of the first")
    first.is_saved()
    second.field("step_overview_theme").fill("Theme of the second")
    second.field("step_overview_pain").fill("Pain of the second")

    dialog = compares(second)
    expect(dialog.get_by_role("group")).to_have_count(3)
    second.look(f"conflict-texts-{language}")
    theme = dialog.get_by_role("group", name=second.say("step_overview_theme"))
    expect(theme.get_by_role("radio", name=second.say("draft_side_both"))).to_be_checked()
    theme.get_by_role("radio", name=second.say("draft_side_theirs")).check()
    second.button("draft_sides_save").click()
    second.is_saved()

    first.page.reload()
    first.go_to("overview")
    expect(first.field("step_overview_theme")).to_have_value("Theme of the first")
    expect(first.field("step_overview_purpose")).to_have_value("Purpose of the first")
    expect(first.field("step_overview_pain")).to_have_value("Pain of the second")


@LANGUAGES
def test_items_of_both_are_kept_by_keyboard_alone(visitors, language):
    first, second = on_two_devices(visitors, language, "flow")
    for visitor, text in ((first, "Count the screws"), (second, "Weigh the screws")):
        visitor.type(visitor.new_item("step_flow_items"), text)
        visitor.page.keyboard.press("Enter")
        if visitor is first:
            visitor.is_saved()
    dialog = compares(second)
    second.look(f"conflict-items-{language}")
    expect(dialog.get_by_text("Count the screws")).to_be_visible()
    second.press(second.button("draft_sides_save"))
    second.is_saved()
    first.page.reload()
    first.go_to("flow")
    items = {
        first.field("step_item", list=first.say("step_flow_items"), number=number).input_value() for number in (1, 2)
    }
    assert items == {"Count the screws", "Weigh the screws"}


@LANGUAGES
def test_an_order_that_both_have_changed_is_chosen(visitors, language):
    first, second = on_two_devices(visitors, language, "flow")
    texts = ["Count", "Weigh", "Write"]
    for text in texts:
        first.new_item("step_flow_items").focus()
        first.page.keyboard.insert_text(text)
    first.is_saved()
    second.page.reload()
    second.go_to("flow")
    for visitor, number, key in ((first, 1, "Alt+ArrowDown"), (second, 3, "Alt+ArrowUp")):
        visitor.item("step_flow_items", number).press(key)
        if visitor is first:
            visitor.is_saved()
    dialog = compares(second)
    group = dialog.get_by_role(
        "group", name=second.say("draft_order_of", list=second.say("step_flow_items")), exact=True
    )
    group.get_by_role("radio", name=second.say("draft_side_theirs")).check()
    second.look(f"conflict-order-{language}")
    second.button("draft_sides_save").click()
    second.is_saved()
    assert [second.item("step_flow_items", number).input_value() for number in (1, 2, 3)] == ["Weigh", "Count", "Write"]


@LANGUAGES
def test_an_answer_to_a_rounds_question_is_settled(visitors, language):
    first, second = on_two_devices(visitors, language, "overview")
    first.field("step_overview_theme").fill("To be carried over")
    first.is_saved()
    first.open(first.page.url.removeprefix(first.stack.page).split("?")[0] + "/summary")
    first.button("project_next_round", round=2).click()
    first.button("project_next_start", round=2).click()
    expect(first.page.get_by_role("heading", level=1)).to_contain_text(first.say("round_title", number=2))
    second.open(first.page.url.removeprefix(first.stack.page))
    expect(second.field("round_question")).to_be_visible()
    first.field("round_question").fill("Of the first")
    first.is_saved()
    second.field("round_question").fill("Of the second")
    dialog = compares(second)
    dialog.get_by_role("radio", name=second.say("draft_side_mine")).check()
    second.button("draft_sides_save").click()
    second.is_saved()
    first.page.reload()
    expect(first.field("round_question")).to_have_value("Of the second")
