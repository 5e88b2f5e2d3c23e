"""What the neighbours do with a pointer, done by Tab, arrows, Enter and Space alone."""

import re
import uuid
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from .visitor import PASSWORD

LANGUAGES = pytest.mark.parametrize("language", ["ja", "en"])
TEXTS = {
    "ja": {
        "title": "棚卸しを半日で終える",
        "items": ["数え直し", "台帳"],
        "note": "数えるのは二度で足りる",
        "node": "誤差",
    },
    "en": {
        "title": "Stocktaking in half a day",
        "items": ["Recount", "Ledger"],
        "note": "Twice is enough",
        "node": "Drift",
    },
}


def item(visitor, group, number):
    return visitor.field("step_item", list=visitor.say(group), number=number)


def begins(visitors, language):
    """Signs up and makes a project, and stands in its first round."""
    visitor = visitors(language)
    visitor.open("/signup")
    visitor.name = f"{language}-keys-{uuid.uuid4().hex[:8]}"
    visitor.type(visitor.field("account_username"), visitor.name)
    visitor.type(visitor.field("account_email"), f"{visitor.name}@example.com")
    visitor.type(visitor.password, PASSWORD)
    visitor.press(visitor.button("signup_submit"))
    visitor.sees_heading(visitor.say("home_title"))
    visitor.press(visitor.link("home_empty_new"))
    visitor.sees_heading(visitor.say("new_project_title"))
    visitor.type(visitor.field("new_project_name"), TEXTS[language]["title"])
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(re.compile("/rounds/"))
    expect(visitor.page.get_by_role("tabpanel")).to_be_visible()
    return visitor


def goes_to(visitor, step):
    visitor.reach(visitor.page.get_by_role("tab", selected=True))
    for _ in range(5):
        if visitor.page.get_by_role("tab", selected=True).get_attribute("id") == f"tab-{step}":
            break
        visitor.page.keyboard.press("ArrowRight")
    expect(visitor.page.locator(f"#tab-{step}")).to_be_focused()
    expect(visitor.page.get_by_role("tabpanel").get_by_role("heading", level=2)).to_contain_text(
        visitor.say(f"step_{step}")
    )


def take_back(visitor, key):
    return visitor.page.get_by_role("button", name=re.compile("^" + re.escape(visitor.say(key))))


@LANGUAGES
def test_a_round_is_written_and_the_next_one_begun(visitors, language):
    visitor, texts = begins(visitors, language), TEXTS[language]
    first, second = texts["items"]
    visitor.type(visitor.field("step_overview_theme"), texts["title"])
    visitor.is_saved()

    goes_to(visitor, "extract")
    visitor.type(visitor.field("step_item_new", list=visitor.say("step_extract_ui")), first)
    visitor.press(visitor.button("step_item_strike"))
    expect(item(visitor, "step_extract_ui", 1)).to_have_css("text-decoration-line", "line-through")
    visitor.press(visitor.button("step_item_unstrike"))
    expect(item(visitor, "step_extract_ui", 1)).to_have_css("text-decoration-line", "none")
    visitor.is_saved()

    goes_to(visitor, "mvp")
    visitor.type(visitor.field("step_item_new", list=visitor.say("step_mvp_must")), first)
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.insert_text(second)
    visitor.page.keyboard.press("Alt+ArrowUp")
    expect(item(visitor, "step_mvp_must", 1)).to_have_value(second)
    visitor.page.keyboard.press("Alt+ArrowRight")
    expect(item(visitor, "step_mvp_optional", 1)).to_have_value(second)
    expect(item(visitor, "step_mvp_optional", 1)).to_be_focused()
    visitor.press(take_back(visitor, "undo"))
    expect(item(visitor, "step_mvp_must", 1)).to_have_value(second)
    visitor.press(take_back(visitor, "redo"))
    expect(item(visitor, "step_mvp_optional", 1)).to_have_value(second)
    visitor.is_saved()

    goes_to(visitor, "expand")
    visitor.press(visitor.link("round_to_summary"))
    visitor.sees_heading(visitor.say("summary_title", number=1))
    visitor.press(visitor.button("project_next_round", round=2))
    visitor.type(visitor.field("round_question"), texts["note"])
    visitor.press(visitor.button("project_next_start", round=2))
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(visitor.say("round_title", number=2))
    expect(visitor.field("round_question")).to_have_value(texts["note"])
    goes_to(visitor, "mvp")
    expect(item(visitor, "step_mvp_optional", 1)).to_have_value(second)
    visitor.press(item(visitor, "step_mvp_must", 1), "Alt+ArrowRight")
    visitor.is_saved()

    project = visitor.page.locator("main a[href^='/projects/']").first
    visitor.press(project)
    visitor.page.wait_for_url(re.compile("/projects/"))
    visitor.press(visitor.link("project_compare"))
    visitor.sees_heading(visitor.say("compare_title"))
    later = visitor.page.get_by_label(visitor.say("compare_to"))
    visitor.reach(later)
    expect(later).to_have_value("2")
    moved = visitor.page.get_by_role("region", name=re.compile(visitor.say("step_mvp")))
    expect(moved).to_contain_text(first)


@LANGUAGES
def test_a_node_is_made_renamed_linked_and_found_on_the_map(visitors, language):
    visitor, texts = begins(visitors, language), TEXTS[language]
    visitor.press(visitor.button("node_make"))
    dialog = visitor.page.get_by_role("dialog", name=visitor.say("node_new"))
    visitor.type(dialog.get_by_role("textbox", name=visitor.say("node_title"), exact=True), texts["node"])
    visitor.press(dialog.get_by_role("button", name=visitor.say("node_create"), exact=True))
    chip = visitor.page.get_by_role("link", name=texts["node"], exact=True)
    expect(chip).to_be_focused()
    visitor.page.keyboard.press("Enter")
    visitor.sees_heading(texts["node"])
    renamed = f"{texts['node']} 2"
    visitor.type(visitor.field("node_title"), renamed)
    visitor.page.keyboard.press("Enter")
    visitor.is_saved()
    visitor.sees_heading(renamed)

    # A global one, to link it with.
    visitor.press(
        visitor.page.get_by_role("navigation").get_by_role("link", name=visitor.say("nodes_title"), exact=True)
    )
    visitor.sees_heading(visitor.say("nodes_title"))
    visitor.press(visitor.page.get_by_role("link", name=visitor.say("nodes_global"), exact=True))
    visitor.page.wait_for_url(re.compile("scope=global"))
    visitor.press(visitor.button("node_make"))
    visitor.type(dialog.get_by_role("textbox", name=visitor.say("node_title"), exact=True), texts["items"][1])
    visitor.press(dialog.get_by_role("button", name=visitor.say("node_create"), exact=True))
    expect(dialog).to_be_hidden()
    visitor.sees_heading(texts["items"][1])

    visitor.press(visitor.button("node_link_add"))
    finding = visitor.page.get_by_role("dialog")
    visitor.type(finding.get_by_role("searchbox"), renamed)
    visitor.press(finding.get_by_role("button", name=re.compile(renamed)))
    weight = visitor.page.get_by_role("slider", name=visitor.say("node_link_weight", title=renamed), exact=True)
    expect(weight).to_be_focused()
    visitor.page.keyboard.press("ArrowRight")
    rows = visitor.page.locator("section[aria-labelledby=links] li")
    expect(rows.first).to_contain_text("0.6")
    visitor.press(visitor.button("node_link_remove_of", title=renamed))
    expect(rows).to_have_count(0)
    visitor.press(visitor.button("undo"))
    expect(weight).to_have_value("0.6")
    visitor.press(rows.get_by_role("link"))
    visitor.sees_heading(renamed)

    visitor.press(visitor.link("node_show_on_map"))
    visitor.sees_heading(visitor.say("map_title"))
    expect(visitor.page.get_by_role("heading", level=2, name=renamed, exact=True)).to_be_visible()
    visitor.press(visitor.button("map_nearer"))
    visitor.press(visitor.link("map_as_list"))
    expect(visitor.page.locator("main section > ul > li")).to_have_count(2)

    visitor.press(visitor.page.get_by_role("link", name=renamed, exact=True).first)
    visitor.sees_heading(renamed)
    visitor.press(visitor.button("trash_move"))
    visitor.press(visitor.button("undo"))
    visitor.sees_heading(renamed)


@LANGUAGES
def test_a_conflict_is_settled(visitors, language):
    first = begins(visitors, language)
    first.expected = ["409"]
    second = visitors(language)
    second.expected = ["409"]
    second.open("/login")
    second.type(second.field("account_username_or_email"), first.name)
    second.type(second.password, PASSWORD)
    second.page.keyboard.press("Enter")
    second.sees_heading(second.say("home_title"))
    second.open(urlsplit(first.page.url).path)
    expect(second.page.get_by_role("tabpanel")).to_be_visible()
    first.type(first.field("step_overview_theme"), "First")
    first.is_saved()
    second.type(second.field("step_overview_theme"), "Second")

    second.press(second.button("draft_conflict_compare"))
    dialog = second.page.get_by_role("dialog", name=second.say("draft_conflict_title"))
    theme = dialog.get_by_role("group", name=second.say("step_overview_theme"))
    second.reach(theme.get_by_role("radio", name=second.say("draft_side_both")))
    second.page.keyboard.press("ArrowUp")
    expect(theme.get_by_role("radio", name=second.say("draft_side_theirs"))).to_be_checked()
    second.press(second.button("draft_sides_save"))
    second.is_saved()
    expect(second.field("step_overview_theme")).to_have_value("First")


@LANGUAGES
def test_the_account_is_looked_after_and_deleted(visitors, language, tmp_path):
    visitor = begins(visitors, language)
    visitor.expected = ["401", "422"]
    main = visitor.page.get_by_role("main")
    visitor.press(visitor.page.locator("header").get_by_role("button", name=re.compile(visitor.name)))
    visitor.press(visitor.link("settings_title"))
    visitor.sees_heading(visitor.say("settings_title"))

    look = main.get_by_role("region", name=visitor.say("settings_look"), exact=True)
    visitor.reach(look.get_by_role("radio", name=visitor.say("menu_theme_system"), exact=True))
    visitor.page.keyboard.press("ArrowRight")
    expect(look.get_by_role("radio", name=visitor.say("menu_theme_light"), exact=True)).to_be_checked()
    expect(look.get_by_role("status")).to_have_text(visitor.say("settings_stored"))

    export = main.get_by_role("region", name=visitor.say("settings_export"), exact=True)
    with visitor.page.expect_download() as download:
        visitor.press(export.get_by_role("button", name=visitor.say("export_json"), exact=True))
    file = tmp_path / "account.json"
    download.value.save_as(file)
    imports = main.get_by_role("region", name=visitor.say("settings_import"), exact=True)
    with visitor.page.expect_file_chooser() as chooser:
        visitor.press(imports.get_by_role("button", name=visitor.say("import_choose"), exact=True))
    chooser.value.set_files(file)
    expect(imports.get_by_role("status")).to_contain_text(visitor.say("import_nothing_new", name="account.json"))

    delete = main.get_by_role("region", name=visitor.say("settings_delete"), exact=True)
    visitor.press(delete.get_by_role("button", name=visitor.say("settings_delete_begin"), exact=True))
    question = visitor.page.get_by_role("dialog")
    visitor.type(question.get_by_label(visitor.say("account_password"), exact=True), PASSWORD)
    visitor.press(question.get_by_role("button", name=visitor.say("settings_delete_submit"), exact=True))
    visitor.sees_heading(visitor.say("login_title"))
    expect(visitor.page.get_by_text(visitor.say("login_deleted"))).to_be_visible()


@LANGUAGES
def test_trash_and_search_and_the_way_out(visitors, language):
    visitor, texts = begins(visitors, language), TEXTS[language]
    visitor.press(visitor.page.locator("main a[href^='/projects/']").first)
    visitor.press(visitor.button("trash_move"))
    expect(visitor.button("undo")).to_be_visible()
    menu = visitor.page.locator("header").get_by_role("button", name=re.compile(visitor.name))
    visitor.press(menu)
    visitor.press(visitor.link("trash_title"))
    visitor.sees_heading(visitor.say("trash_title"))
    visitor.press(visitor.button("trash_restore_of", title=texts["title"]))
    visitor.press(visitor.link("trash_open"))
    expect(visitor.button("project_pend")).to_be_visible()

    visitor.page.keyboard.press("/")
    expect(visitor.page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    visitor.page.keyboard.insert_text(texts["title"][:4])
    expect(visitor.page.get_by_role("dialog").get_by_role("option").first).to_be_visible()
    visitor.page.keyboard.press("ArrowDown")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("dialog")).to_be_hidden()
    expect(visitor.button("project_pend")).to_be_visible()

    visitor.press(menu)
    visitor.press(visitor.button("menu_log_out"))
    visitor.sees_heading(visitor.say("login_title"))
    visitor.type(visitor.field("account_username_or_email"), visitor.name)
    visitor.type(visitor.password, PASSWORD)
    visitor.page.keyboard.press("Enter")
    visitor.sees_heading(visitor.say("home_title"))
    expect(visitor.page.get_by_text(texts["title"]).first).to_be_visible()
