"""What the neighbours do with a pointer, done by Tab, arrows, Enter and Space alone."""

import contextlib
import re
import uuid
from urllib.parse import urlsplit

import pyotp
from playwright.sync_api import expect

from .visitor import LANGUAGES, NEW_PASSWORD, PASSWORD, PIXEL

TEXTS = {
    "ja": {
        "title": "棚卸しを半日で終える",
        "items": ["数え直し", "台帳"],
        "note": "数えるのは二度で足りる",
        "node": "誤差",
        "words": "検査記録の転記が多い。入力画面を改善したい。在庫管理の誤差も減らす。",
        "more_words": "倉庫の照明が暗く、棚番号を読み違える。",
    },
    "en": {
        "title": "Stocktaking in half a day",
        "items": ["Recount", "Ledger"],
        "note": "Twice is enough",
        "node": "Drift",
        "words": "The inspection records are copied by hand. Inventory errors come from the paper ledger.",
        "more_words": "The warehouse lighting is dim and shelf numbers are misread.",
    },
}


def signs_up(visitors, language):
    visitor = visitors(language)
    visitor.open("/signup")
    visitor.name = f"{language}-keys-{uuid.uuid4().hex[:8]}"
    visitor.type(visitor.field("account_username"), visitor.name)
    visitor.type(visitor.field("account_email"), f"{visitor.name}@example.com")
    visitor.type(visitor.password, PASSWORD)
    visitor.press(visitor.button("signup_submit"))
    visitor.sees_heading(visitor.say("home_title"))
    return visitor


def begins(visitors, language):
    """Signs up and makes a project, and stands in its first round."""
    visitor = signs_up(visitors, language)
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


def menu(visitor):
    return visitor.page.locator("header").get_by_role("button", name=re.compile(visitor.name))


def goes_to_settings(visitor):
    visitor.press(menu(visitor))
    visitor.press(visitor.link("settings_title"))
    visitor.sees_heading(visitor.say("settings_title"))


def section(visitor, key):
    return visitor.page.get_by_role("main").get_by_role("region", name=visitor.say(key), exact=True)


def logs_out(visitor):
    visitor.press(menu(visitor))
    visitor.press(visitor.button("menu_log_out"))
    visitor.sees_heading(visitor.say("login_title"))


def logs_in(visitor, name, password=PASSWORD):
    visitor.type(visitor.field("account_username_or_email"), name)
    visitor.type(visitor.password, password)
    visitor.page.keyboard.press("Enter")


@contextlib.contextmanager
def printing(visitor):
    """By the page's own button, as far as the dialog of the browser, which is none of the page's."""
    visitor.page.evaluate(
        """() => window.print = () => {
            document.documentElement.dataset.printing = '';
            dispatchEvent(new Event('beforeprint'));
        }"""
    )
    visitor.press(visitor.button("print"))
    expect(visitor.page.locator("html")).to_have_attribute("data-printing", "")
    visitor.page.emulate_media(media="print")
    yield
    visitor.page.emulate_media(media="screen")
    visitor.page.evaluate("dispatchEvent(new Event('afterprint'))")


@LANGUAGES
def test_a_round_is_written_and_the_next_one_begun(visitors, language):
    visitor, texts = begins(visitors, language), TEXTS[language]
    first, second = texts["items"]
    visitor.type(visitor.field("step_overview_theme"), texts["title"])
    visitor.is_saved()

    goes_to(visitor, "extract")
    visitor.type(visitor.new_item("step_extract_ui"), first)
    visitor.press(visitor.button("step_item_strike"))
    expect(visitor.item("step_extract_ui", 1)).to_have_css("text-decoration-line", "line-through")
    visitor.press(visitor.button("step_item_unstrike"))
    expect(visitor.item("step_extract_ui", 1)).to_have_css("text-decoration-line", "none")
    visitor.is_saved()

    goes_to(visitor, "mvp")
    visitor.type(visitor.new_item("step_mvp_must"), first)
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.insert_text(second)
    visitor.page.keyboard.press("Alt+ArrowUp")
    expect(visitor.item("step_mvp_must", 1)).to_have_value(second)
    visitor.page.keyboard.press("Alt+ArrowRight")
    expect(visitor.item("step_mvp_optional", 1)).to_have_value(second)
    expect(visitor.item("step_mvp_optional", 1)).to_be_focused()
    visitor.press(visitor.take_back("undo"))
    expect(visitor.item("step_mvp_must", 1)).to_have_value(second)
    visitor.press(visitor.take_back("redo"))
    expect(visitor.item("step_mvp_optional", 1)).to_have_value(second)
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
    expect(visitor.item("step_mvp_optional", 1)).to_have_value(second)
    visitor.press(visitor.item("step_mvp_must", 1), "Alt+ArrowRight")
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
def test_words_become_nodes_and_what_stood_in_a_step_comes_back(visitors, language):
    visitor, texts = begins(visitors, language), TEXTS[language]
    theme = visitor.field("step_overview_theme")
    visitor.type(theme, texts["words"])
    visitor.is_saved()
    visitor.press(visitor.button("words_show"))
    words = visitor.page.locator("#words")
    boxes, heading = words.get_by_role("checkbox"), words.get_by_role("heading")
    expect(boxes.first).to_be_visible()
    offered = words.locator(".word").all_inner_texts()
    assert len(offered) >= 3

    # Some of them: one is taken, one refused.
    visitor.press(boxes.first, "Space")
    visitor.press(visitor.button("words_accept", count=1))
    expect(visitor.page.get_by_role("link", name=offered[0], exact=True)).to_be_visible()
    expect(boxes).to_have_count(len(offered) - 1)
    expect(heading).to_be_focused()
    visitor.press(visitor.button("words_refuse", word=offered[1]))
    expect(boxes).to_have_count(len(offered) - 2)
    expect(heading).to_be_focused()
    # All.
    visitor.press(visitor.button("words_all"))
    expect(visitor.button("words_no_longer")).to_be_focused()
    visitor.press(visitor.button("words_accept", count=len(offered) - 2))
    expect(words.get_by_text(visitor.say("words_empty"))).to_be_visible()
    nodes = visitor.page.locator(".nodes").get_by_role("link")
    expect(nodes).to_have_count(len(offered) - 1)
    # None.
    visitor.type(visitor.field("step_overview_pain"), texts["more_words"])
    visitor.is_saved()
    expect(boxes.first).to_be_visible()
    visitor.press(visitor.button("words_refuse_rest"))
    expect(words.get_by_text(visitor.say("words_empty"))).to_be_visible()
    expect(heading).to_be_focused()
    expect(nodes).to_have_count(len(offered) - 1)

    visitor.press(visitor.button("history_show"))
    dialog = visitor.page.get_by_role("dialog", name=visitor.say("history_title"))
    visitor.press(dialog.locator("summary").last)
    visitor.press(visitor.button("history_restore"))
    expect(dialog).to_be_hidden()
    expect(visitor.button("history_show")).to_be_focused()
    expect(theme).to_have_value("")
    visitor.press(visitor.take_back("undo"))
    expect(theme).to_have_value(texts["words"])
    visitor.is_saved()


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
    with visitor.page.expect_download() as download:
        visitor.press(visitor.button("map_save_svg"))
    assert renamed in download.value.path().read_text()
    with printing(visitor):
        expect(visitor.page.locator(".print svg")).to_be_visible()
    visitor.press(visitor.link("map_as_list"))
    expect(visitor.page.locator("main section > ul > li")).to_have_count(2)

    visitor.press(visitor.page.get_by_role("link", name=renamed, exact=True).first)
    visitor.sees_heading(renamed)
    image = visitor.page.get_by_role("img", name=visitor.say("node_image_alt", title=renamed), exact=True)
    with visitor.page.expect_file_chooser() as chooser:
        visitor.press(visitor.button("node_image_choose"))
    chooser.value.set_files({"name": "bench.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(image).to_be_visible()
    expect(visitor.button("node_image_replace")).to_be_focused()
    visitor.press(visitor.button("node_image_remove"))
    expect(image).to_have_count(0)
    expect(visitor.page.locator(".notice").filter(has_text=visitor.say("node_image_removed"))).to_be_focused()
    visitor.press(visitor.button("undo"))
    expect(image).to_be_visible()
    expect(visitor.button("node_image_replace")).to_be_focused()

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
    logs_in(second, first.name)
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
def test_devices_are_logged_out_and_passwords_set(visitors, language):
    visitor = signs_up(visitors, language)
    visitor.expected = ["401", "422"]
    for _ in range(3):
        visitor.stack.request(
            "POST", f"{visitor.stack.api}/auth/token/", json={"username": visitor.name, "password": PASSWORD}
        ).raise_for_status()
    goes_to_settings(visitor)
    devices = section(visitor, "settings_sessions")
    rows, said = devices.get_by_role("listitem"), devices.get_by_role("status")
    expect(rows).to_have_count(4)
    visitor.press(devices.get_by_role("button").first)
    expect(rows).to_have_count(3)
    expect(said).to_be_focused()
    visitor.press(visitor.button("settings_sessions_end"))
    expect(said).to_have_text(visitor.say("settings_sessions_ended"))
    expect(said).to_be_focused()
    expect(rows).to_have_count(1)

    form = section(visitor, "settings_password")
    old, new = (form.get_by_label(visitor.say(f"settings_password_{which}"), exact=True) for which in ("old", "new"))
    visitor.type(old, "not-the-old-one")
    visitor.type(new, NEW_PASSWORD)
    visitor.page.keyboard.press("Enter")
    expect(old).to_have_attribute("aria-invalid", "true")
    expect(old).to_be_focused()
    visitor.type(old, PASSWORD)
    visitor.press(visitor.button("settings_password_submit"))
    expect(form.get_by_role("status")).to_have_text(visitor.say("settings_password_done"))
    expect(form.get_by_role("status")).to_be_focused()

    logs_out(visitor)
    visitor.press(visitor.link("login_forgot"))
    visitor.sees_heading(visitor.say("reset_title"))
    visitor.type(visitor.field("account_email"), f"{visitor.name}@example.com")
    visitor.page.keyboard.press("Enter")
    visitor.sees_heading(visitor.say("reset_sent_title"))
    visitor.open(visitor.mailed_link(visitor.name))
    visitor.sees_heading(visitor.say("reset_new_title"))
    password = visitor.page.get_by_label(visitor.say("reset_new_password"), exact=True)
    visitor.type(password, "short")
    visitor.page.keyboard.press("Enter")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_be_focused()
    visitor.type(password, f"{NEW_PASSWORD}-again")
    visitor.press(visitor.button("reset_new_submit"))
    visitor.sees_heading(visitor.say("reset_done_title"))
    visitor.press(visitor.link("reset_to_login"))
    visitor.sees_heading(visitor.say("login_title"))
    logs_in(visitor, visitor.name, f"{NEW_PASSWORD}-again")
    visitor.sees_heading(visitor.say("home_title"))


@LANGUAGES
def test_two_steps_to_log_in_are_turned_on_and_off(visitors, language):
    visitor = signs_up(visitors, language)
    visitor.expected = ["401", "422"]
    visitor.context.grant_permissions(["clipboard-write"])
    goes_to_settings(visitor)
    totp = section(visitor, "settings_totp")
    visitor.press(visitor.button("settings_totp_begin"))
    code = visitor.field("settings_totp_code")
    expect(code).to_be_focused()
    app = pyotp.TOTP(totp.locator("code").inner_text().replace(" ", ""))
    visitor.page.keyboard.insert_text("nonsense")
    visitor.page.keyboard.press("Enter")
    expect(code).to_have_attribute("aria-invalid", "true")
    expect(code).to_be_focused()
    visitor.type(code, app.now())
    visitor.press(visitor.button("settings_totp_confirm"))
    expect(totp.get_by_role("heading", level=3)).to_be_focused()
    codes = totp.get_by_role("listitem").all_inner_texts()
    visitor.press(visitor.button("settings_totp_copy"))
    expect(totp.get_by_role("status")).to_have_text(visitor.say("settings_totp_copied"))
    assert visitor.pasted().split() == codes
    with printing(visitor):
        expect(totp.get_by_text(codes[0])).to_be_visible()
    visitor.press(visitor.button("settings_totp_kept"))
    expect(totp).to_contain_text(visitor.say("settings_totp_left", count=10))
    expect(visitor.button("settings_totp_off")).to_be_focused()

    logs_out(visitor)
    logs_in(visitor, visitor.name)
    visitor.sees_heading(visitor.say("login_code_title"))
    expect(visitor.field("login_code")).to_be_focused()
    visitor.press(visitor.button("login_code_back"))
    visitor.sees_heading(visitor.say("login_title"))
    logs_in(visitor, visitor.name)
    expect(visitor.field("login_code")).to_be_focused()
    visitor.page.keyboard.insert_text(codes[0])
    visitor.page.keyboard.press("Enter")
    visitor.sees_heading(visitor.say("home_title"))

    goes_to_settings(visitor)
    expect(totp).to_contain_text(visitor.say("settings_totp_left", count=9))
    visitor.press(visitor.button("settings_totp_off"))
    expect(totp.get_by_label(visitor.say("account_password"), exact=True)).to_be_focused()
    visitor.page.keyboard.insert_text(PASSWORD)
    visitor.page.keyboard.press("Enter")
    expect(totp).to_contain_text(visitor.say("settings_totp_off_done"))
    expect(visitor.button("settings_totp_begin")).to_be_focused()


@LANGUAGES
def test_the_account_is_looked_after_and_deleted(visitors, language, tmp_path):
    visitor = begins(visitors, language)
    visitor.expected = ["401", "422"]
    goes_to_settings(visitor)

    look = section(visitor, "settings_look")
    visitor.reach(look.get_by_role("radio", name=visitor.say("menu_theme_system"), exact=True))
    visitor.page.keyboard.press("ArrowRight")
    expect(look.get_by_role("radio", name=visitor.say("menu_theme_light"), exact=True)).to_be_checked()
    expect(look.get_by_role("status")).to_have_text(visitor.say("settings_stored"))

    export = section(visitor, "settings_export")
    with visitor.page.expect_download() as download:
        visitor.press(export.get_by_role("button", name=visitor.say("export_json"), exact=True))
    file = tmp_path / "account.json"
    download.value.save_as(file)
    imports = section(visitor, "settings_import")
    with visitor.page.expect_file_chooser() as chooser:
        visitor.press(imports.get_by_role("button", name=visitor.say("import_choose"), exact=True))
    chooser.value.set_files(file)
    expect(imports.get_by_role("status")).to_contain_text(visitor.say("import_nothing_new", name="account.json"))

    delete = section(visitor, "settings_delete")
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
    visitor.press(menu(visitor))
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

    visitor.press(visitor.button("trash_move"))
    expect(visitor.button("undo")).to_be_visible()
    visitor.press(menu(visitor))
    visitor.press(visitor.link("trash_title"))
    delete = visitor.button("trash_delete_of", title=texts["title"])
    visitor.press(delete)
    question = visitor.page.get_by_role("dialog", name=visitor.say("trash_ask_title"))
    expect(question).to_be_visible()
    visitor.page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(delete).to_be_focused()
    visitor.page.keyboard.press("Enter")
    visitor.press(question.get_by_role("button", name=visitor.say("trash_delete"), exact=True))
    expect(visitor.page.get_by_text(visitor.say("trash_empty_title"))).to_be_visible()

    logs_out(visitor)
    logs_in(visitor, visitor.name)
    visitor.sees_heading(visitor.say("home_title"))
    expect(visitor.page.get_by_role("heading", level=2, name=visitor.say("home_empty_title"))).to_be_visible()
