"""The account: its looks, password, devices, second step, and the way in and out for everything in it."""

import json
import re
import zipfile
from io import BytesIO
from pathlib import PurePosixPath

import pyotp
from playwright.sync_api import expect

from .visitor import LANGUAGES, NEW_PASSWORD, PASSWORD


def settings(visitor, section):
    visitor.open("/settings")
    visitor.sees_heading(visitor.say("settings_title"))
    return visitor.page.get_by_role("region", name=visitor.say(section), exact=True)


def label(place, visitor, key):
    return place.get_by_label(visitor.say(key), exact=True)


def button(place, visitor, key, **values):
    return place.get_by_role("button", name=visitor.say(key, **values), exact=True)


@LANGUAGES
def test_language_and_colours_are_the_accounts(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    visitor.page.locator("header").get_by_role("button", name=re.compile(visitor.say("menu_title"))).click()
    visitor.link("settings_title").click()
    visitor.sees_heading(visitor.say("settings_title"))
    section = visitor.page.get_by_role("region", name=visitor.say("settings_look"), exact=True)
    visitor.look("settings")

    section.get_by_text(visitor.say("menu_theme_dark"), exact=True).click()
    expect(section.get_by_role("status")).to_have_text(visitor.say("settings_stored"))
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")
    other = {"ja": "en", "en": "ja"}[language]
    # The page speaks it at once; the reload below finds what the server has.
    with visitor.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        section.get_by_text({"ja": "日本語", "en": "English"}[other], exact=True).click()
    visitor.language = other
    visitor.sees_heading(visitor.say("settings_title"))
    visitor.page.reload()
    visitor.sees_heading(visitor.say("settings_title"))
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")


@LANGUAGES
def test_a_new_password_logs_the_other_devices_out(visitors, language):
    visitor, elsewhere = visitors(language), visitors(language)
    visitor.expected = ["422"]
    elsewhere.expected = ["401"]
    name = visitor.sign_up()
    elsewhere.open("/login")
    elsewhere.log_in(name)

    section = settings(visitor, "settings_password")
    old, new = (label(section, visitor, f"settings_password_{which}") for which in ("old", "new"))
    devices = visitor.page.get_by_role("region", name=visitor.say("settings_sessions"), exact=True)
    expect(devices.get_by_role("listitem")).to_have_count(2)
    old.fill("not-the-old-one")
    new.fill(NEW_PASSWORD)
    button(section, visitor, "settings_password_submit").click()
    expect(old).to_be_focused()
    expect(old).to_have_attribute("aria-invalid", "true")

    old.fill(PASSWORD)
    old.press("Enter")
    expect(section.get_by_role("status")).to_have_text(visitor.say("settings_password_done"))
    expect(section.get_by_role("status")).to_be_focused()
    expect(new).to_have_value("")
    expect(devices.get_by_role("listitem")).to_have_count(1)
    expect(devices).to_contain_text(visitor.say("settings_sessions_only"))

    elsewhere.page.reload()
    elsewhere.sees_heading(elsewhere.say("login_title"))
    # Here the session goes on.
    visitor.open("/")
    visitor.sees_heading(visitor.say("home_title"))


@LANGUAGES
def test_a_device_is_logged_out_from_another(visitors, language):
    visitor, elsewhere = visitors(language), visitors(language)
    elsewhere.expected = ["401"]
    name = visitor.sign_up()
    elsewhere.open("/login")
    elsewhere.log_in(name)

    section = settings(visitor, "settings_sessions")
    rows = section.get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(section.get_by_text(visitor.say("settings_session_current"), exact=True)).to_have_count(1)
    section.get_by_role("button").first.click()
    expect(section.get_by_role("status")).to_be_focused()
    expect(rows).to_have_count(1)
    expect(section).to_contain_text(visitor.say("settings_sessions_only"))
    elsewhere.page.reload()
    elsewhere.sees_heading(elsewhere.say("login_title"))


@LANGUAGES
def test_a_device_that_has_logged_out_meanwhile(visitors, language):
    visitor, elsewhere = visitors(language), visitors(language)
    visitor.expected, elsewhere.expected = ["404"], ["401"]
    name = visitor.sign_up()
    elsewhere.open("/login")
    elsewhere.log_in(name)

    section = settings(visitor, "settings_sessions")
    rows = section.get_by_role("listitem")
    expect(rows).to_have_count(2)
    elsewhere.log_out(name)
    section.get_by_role("button").first.click()
    expect(section.get_by_role("status")).to_be_focused()
    expect(rows).to_have_count(1)


@LANGUAGES
def test_all_other_devices_are_logged_out_at_once(visitors, language):
    visitor, *others = (visitors(language) for _ in range(3))
    name = visitor.sign_up()
    for other in others:
        other.expected = ["401"]
        other.open("/login")
        other.log_in(name)
    section = settings(visitor, "settings_sessions")
    expect(section.get_by_role("listitem")).to_have_count(3)
    button(section, visitor, "settings_sessions_end").click()
    expect(section.get_by_role("status")).to_have_text(visitor.say("settings_sessions_ended"))
    expect(section.get_by_role("listitem")).to_have_count(1)
    for other in others:
        other.page.reload()
        other.sees_heading(other.say("login_title"))


@LANGUAGES
def test_two_step_log_in(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["401", "422"]
    visitor.context.grant_permissions(["clipboard-write"])
    name = visitor.sign_up()
    section = settings(visitor, "settings_totp")
    button(section, visitor, "settings_totp_begin").click()
    expect(section.get_by_role("img", name=visitor.say("settings_totp_qr"))).to_be_visible()
    assert section.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    app = pyotp.TOTP(section.locator("code").inner_text().replace(" ", ""))
    visitor.look("settings-totp")

    code = label(section, visitor, "settings_totp_code")
    expect(code).to_be_focused()
    code.fill("000000")
    code.press("Enter")
    expect(code).to_have_attribute("aria-invalid", "true")
    code.fill(app.now())
    code.press("Enter")
    expect(section.get_by_role("heading", level=3)).to_be_focused()
    codes = section.get_by_role("listitem").all_inner_texts()
    assert len(codes) == 10
    visitor.look("settings-recovery-codes")
    button(section, visitor, "settings_totp_copy").click()
    expect(section.get_by_role("status")).to_have_text(visitor.say("settings_totp_copied"))
    assert visitor.pasted().split() == codes
    visitor.page.emulate_media(media="print")
    expect(section.get_by_text(codes[0])).to_be_visible()
    expect(visitor.page.get_by_role("region", name=visitor.say("settings_export"))).to_be_hidden()
    visitor.page.emulate_media(media="screen")
    button(section, visitor, "settings_totp_kept").click()
    expect(section).to_contain_text(visitor.say("settings_totp_left", count=10))

    visitor.log_out(name)
    visitor.field("account_username_or_email").fill(name)
    visitor.password.fill(PASSWORD)
    visitor.button("login_submit").click()
    visitor.sees_heading(visitor.say("login_code_title"))
    expect(visitor.page.get_by_role("alert")).to_have_count(0)
    code = visitor.field("login_code")
    expect(code).to_be_focused()
    visitor.look("login-code")
    code.fill("wrong")
    code.press("Enter")
    expect(code).to_have_attribute("aria-invalid", "true")
    code.fill(codes[0])
    code.press("Enter")
    visitor.sees_heading(visitor.say("home_title"))

    section = settings(visitor, "settings_totp")
    expect(section).to_contain_text(visitor.say("settings_totp_left", count=9))
    expect(section).not_to_contain_text(visitor.say("settings_totp_few"))
    for code in codes[1:9]:
        given = {"username": name, "password": PASSWORD, "code": code}
        visitor.stack.request("POST", f"{visitor.stack.api}/auth/token/", json=given).raise_for_status()
    section = settings(visitor, "settings_totp")
    expect(section).to_contain_text(visitor.say("settings_totp_left_one"))
    expect(section).to_contain_text(visitor.say("settings_totp_few"))
    button(section, visitor, "settings_totp_off").click()
    password = label(section, visitor, "account_password")
    expect(password).to_be_focused()
    password.fill(PASSWORD)
    password.press("Enter")
    expect(section).to_contain_text(visitor.say("settings_totp_off_done"))


def exported(visitor, section, form):
    with visitor.page.expect_download() as download:
        button(section, visitor, f"export_{form}").click()
    expect(section.get_by_role("status")).to_have_text(
        visitor.say("export_done", name=download.value.suggested_filename)
    )
    return download.value


def counts(section):
    return [
        [int(cell) for cell in row.get_by_role("cell").all_inner_texts()]
        for row in section.get_by_role("row").all()[1:]
    ]


@LANGUAGES
def test_everything_comes_out_and_goes_in_again(visitors, language, tmp_path):
    visitor, another = visitors(language), visitors(language)
    visitor.sign_up()
    visitor.new_project("Take me along")
    visitor.field("step_overview_theme").fill("All that I wrote")
    visitor.is_saved()
    step = visitor.page.url

    section = settings(visitor, "settings_export")
    file = tmp_path / "export.json"
    exported(visitor, section, "json").save_as(file)
    written = json.loads(file.read_text())
    assert written["format"] == "thinkring"
    assert [project["title"] for project in written["projects"]] == ["Take me along"]
    assert "All that I wrote" in exported(visitor, section, "markdown").path().read_text()
    vault = exported(visitor, section, "obsidian").path().read_bytes()
    assert any(name.endswith(".canvas") for name in zipfile.ZipFile(BytesIO(vault)).namelist())

    section = settings(visitor, "settings_import")
    choose = section.locator("input[type=file]")
    choose.set_input_files(file)
    expect(section.get_by_role("status")).to_contain_text(visitor.say("import_nothing_new", name="export.json"))

    visitor.page.goto(step)
    visitor.field("step_overview_theme").fill("What I wrote later")
    visitor.is_saved()
    section = settings(visitor, "settings_import")
    section.locator("input[type=file]").set_input_files(file)
    report = section.get_by_role("status")
    expect(report).to_contain_text(visitor.say("import_nothing_taken", name="export.json"))
    expect(report).to_contain_text(visitor.say("import_kept", count=1))
    visitor.look("settings-kept")
    report.get_by_role("link", name="Take me along").click()
    expect(visitor.field("step_overview_theme")).to_have_value("What I wrote later")

    another.sign_up()
    section = settings(another, "settings_import")
    choose = section.locator("input[type=file]")
    choose.set_input_files(file)
    expect(section.get_by_role("status")).to_contain_text(another.say("import_done", name="export.json"))
    expect(section.get_by_role("status")).to_be_focused()
    assert counts(section)[:3] == [[1, 0, 0], [1, 0, 0], [5, 0, 0]]
    another.look("settings-imported")
    section.get_by_role("link", name=another.say("import_to_home")).click()
    expect(another.page.get_by_text("Take me along").first).to_be_visible()


def edited(vault):
    """A vault after somebody has worked in it, with the title of the node whose note was deleted."""
    notes = zipfile.ZipFile(BytesIO(vault))
    written, deleted = [name for name in notes.namelist() if b"\nthinkring: node\n" in notes.read(name)][:2]
    result = BytesIO()
    with zipfile.ZipFile(result, "w") as after:
        for name in notes.namelist():
            if name != deleted:
                after.writestr(name, notes.read(name) + (b"\nWritten in Obsidian\n" if name == written else b""))
        project = next(name for name in notes.namelist() if b"\nthinkring: project\n" in notes.read(name))
        after.writestr(f"{project.rpartition('/')[0]}/Made in Obsidian.md", "A note of one's own\n")
        after.writestr("Shopping.md", "Milk\n")
    return result.getvalue(), PurePosixPath(deleted).stem


@LANGUAGES
def test_a_vault_comes_back_as_it_was_edited(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    visitor.button("home_example").click()
    visitor.page.wait_for_url(re.compile("/projects/."))
    section = settings(visitor, "settings_export")
    vault, deleted = edited(exported(visitor, section, "obsidian").path().read_bytes())
    section = settings(visitor, "settings_import")
    section.locator("input[type=file]").set_input_files(
        {"name": "vault.zip", "mimeType": "application/zip", "buffer": vault}
    )
    report = section.get_by_role("status")
    expect(report).to_contain_text(visitor.say("import_done", name="vault.zip"))
    nodes = counts(section)[3]
    assert nodes[:2] == [1, 1]
    gone = report.get_by_role("listitem").filter(has_text=visitor.say("kind_node"))
    expect(gone).to_have_count(1)
    expect(gone.get_by_role("link", name=deleted, exact=True)).to_be_visible()
    expect(report.get_by_role("listitem").filter(has_text="Shopping.md")).to_have_count(1)
    visitor.look("settings-vault")
    visitor.open("/nodes?q=Obsidian")
    expect(visitor.page.get_by_role("main").get_by_role("listitem")).to_have_count(2)


@LANGUAGES
def test_a_file_that_is_refused_says_what_and_where(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["422"]
    visitor.sign_up()
    section = settings(visitor, "settings_import")
    choose = section.locator("input[type=file]")

    def give(name, content):
        choose.set_input_files({"name": name, "mimeType": "application/json", "buffer": content})
        return section.get_by_role("alert")

    broken = json.dumps({"format": "thinkring", "version": 1, "projects": [{"title": 3}], "nodes": [], "links": []})
    said = give("broken.json", broken.encode())
    expect(said).to_contain_text(visitor.say("import_refused", name="broken.json"))
    expect(said.locator("code")).to_contain_text("projects.0")
    expect(said).to_be_focused()
    visitor.look("settings-import-refused")
    expect(give("holiday.json", b'{"photos": []}')).to_contain_text(visitor.say("import_refused", name="holiday.json"))


@LANGUAGES
def test_a_file_that_is_too_large_is_not_even_sent(visitors, tmp_path, language):
    visitor = visitors(language)
    visitor.sign_up()
    section = settings(visitor, "settings_import")
    file = tmp_path / "large.json"
    with file.open("wb") as large:
        large.truncate(50 * 1024 * 1024 + 1)
    sent = []
    visitor.page.on("request", lambda request: sent.append(request.url) if "/import/" in request.url else None)
    section.locator("input[type=file]").set_input_files(file)
    expect(section.get_by_role("alert")).to_have_text(visitor.say("import_too_large", name="large.json"))
    assert sent == []


@LANGUAGES
def test_what_takes_longer_than_a_second_shows_a_progress_bar_and_can_be_stopped(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    section = settings(visitor, "settings_export")
    visitor.page.route(re.compile("/account/export/"), lambda route: None)
    button(section, visitor, "export_json").click()
    bar = section.get_by_role("progressbar")
    # It is there from the start, and unseen: what is quick does not flicker.
    expect(bar).to_have_css("visibility", "visible", timeout=5_000)
    button(section, visitor, "exchange_cancel").click()
    expect(bar).to_be_hidden()
    visitor.page.unroute_all()
    assert exported(visitor, section, "json").suggested_filename.endswith(".json")


@LANGUAGES
def test_the_account_is_deleted_with_all_that_is_in_it(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["401", "422"]
    name = visitor.sign_up()
    section = settings(visitor, "settings_delete")
    button(section, visitor, "settings_delete_begin").click()
    question = visitor.page.get_by_role("dialog", name=visitor.say("settings_delete_title", name=name))
    password = label(question, visitor, "account_password")
    visitor.look("settings-delete")
    password.fill("wrong")
    password.press("Enter")
    expect(password).to_have_attribute("aria-invalid", "true")
    password.fill(PASSWORD)
    password.press("Enter")
    visitor.sees_heading(visitor.say("login_title"))
    expect(visitor.page.get_by_text(visitor.say("login_deleted"))).to_be_visible()
    visitor.field("account_username_or_email").fill(name)
    visitor.password.fill(PASSWORD)
    visitor.button("login_submit").click()
    expect(visitor.page.get_by_text(visitor.say("problem_credentials"))).to_be_visible()


@LANGUAGES
def test_a_forgotten_password_is_set_anew(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["401", "422"]
    name = visitor.sign_up()
    visitor.log_out(name)
    visitor.link("login_forgot").click()
    visitor.sees_heading(visitor.say("reset_title"))
    visitor.look("reset")
    email = visitor.field("account_email")
    email.fill("not an address")
    email.press("Enter")
    expect(email).to_have_attribute("aria-invalid", "true")
    email.fill(f"{name}@example.com")
    email.press("Enter")
    visitor.sees_heading(visitor.say("reset_sent_title"))
    visitor.look("reset-sent")

    link = visitor.mailed_link(name)
    visitor.open(link)
    visitor.sees_heading(visitor.say("reset_new_title"))
    visitor.look("reset-new")
    password = label(visitor.page, visitor, "reset_new_password")
    password.fill("short")
    password.press("Enter")
    expect(password).to_have_attribute("aria-invalid", "true")
    password.fill(NEW_PASSWORD)
    password.press("Enter")
    visitor.sees_heading(visitor.say("reset_done_title"))
    visitor.link("reset_to_login").click()
    visitor.field("account_username_or_email").fill(name)
    visitor.password.fill(NEW_PASSWORD)
    visitor.button("login_submit").click()
    visitor.sees_heading(visitor.say("home_title"))

    # A link is good once, and says so whoever is logged in.
    visitor.open(link)
    label(visitor.page, visitor, "reset_new_password").fill(PASSWORD)
    visitor.button("reset_new_submit").click()
    visitor.sees_heading(visitor.say("reset_bad_title"))
    visitor.look("reset-used")
    visitor.link("reset_bad_ask").click()
    visitor.sees_heading(visitor.say("reset_title"))
