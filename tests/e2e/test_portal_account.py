# SPDX-License-Identifier: Apache-2.0
"""The portal: what people do for their own account, signing up, and sessions that end while somebody works."""
import datetime
import re
import shutil

import pytest
from playwright.sync_api import expect

from harness.harbor import PASSWORD, Harbor, fresh
from harness.server import Server

OTHER = "Another-Horse-10"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One of its own: settings are changed here."""
    server = Server(tmp_path_factory.mktemp("account"))
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture(scope="module")
def admin(server):
    return Harbor(server.registry())


@pytest.fixture
def person(admin):
    """Somebody new: (name, number, a Harbor as them)."""
    name = fresh("pers")
    number, them = admin.add_user(name, realname="Ada L")
    return name, number, them


@pytest.fixture
def signed_in(window, server, person):
    def begin(path="/account", anew=False, **how):
        portal = window(server=server, **how)
        portal.sign_in(person[0], anew=anew)
        portal.open(path)
        return portal
    return begin


def end_sessions(person):
    """Somebody signs this person out everywhere, as from another browser."""
    assert person[2].call("DELETE", f"/users/{person[1]}/sessions").status == 200


# ---- profile ----

def test_profile(signed_in, person, admin):
    portal = signed_in()
    page = portal.page
    assert portal.heading() == "Profile"
    expect(page.get_by_label("User name")).to_have_value(person[0])
    expect(page.get_by_label("User name")).not_to_be_editable()
    form = page.get_by_role("region", name="About you")
    form.get_by_label("Name", exact=True).fill("Ada Lovelace")
    form.get_by_label("Remark").fill("Counts.")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    seen = admin.json(f"/users/{person[1]}")
    assert (seen["realname"], seen["comment"]) == ("Ada Lovelace", "Counts.")
    page.get_by_label("Your account").first.click()
    expect(page.get_by_text("Ada Lovelace")).to_be_visible()
    page.keyboard.press("Escape")
    portal.shot("account")
    assert portal.axe() == []


def test_what_is_wrong_is_named_at_its_field(signed_in, admin, person):
    taken = fresh("taken")
    admin.add_user(taken)
    portal = signed_in()
    portal.allow("status of 400", "status of 409")
    page = portal.page
    name = page.get_by_label("Name", exact=True)
    name.fill("Ada: L")
    page.get_by_role("button", name="Save").click()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_be_focused()
    expect(page.locator(".field-wrong").filter(has_text="must not hold any of")).to_be_visible()
    name.fill("Ada L")
    page.get_by_label("E-mail address").fill(f"{taken}@example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="belongs to another user")).to_be_visible()
    assert admin.json(f"/users/{person[1]}")["email"] == f"{person[0]}@example.org"


def test_roles_in_projects(signed_in, admin, person):
    portal = signed_in()
    page = portal.page
    roles = page.get_by_role("region", name="Your roles in projects")
    expect(roles.get_by_text("You have no role in a project yet")).to_be_visible()
    _, _ = admin.add_project(public=True)
    project, name = admin.add_project()
    admin.add_member(project, person[1], "maintainer")
    page.reload()
    portal.settle()
    expect(roles.get_by_role("row")).to_have_count(2)
    expect(roles.get_by_role("row", name=name)).to_contain_text("Maintainer")
    expect(roles.get_by_role("link", name=name)).to_have_attribute("href", f"/-/projects/{name}")


# ---- the password ----

def test_password_rules_are_told_before(signed_in):
    page = signed_in().page
    change = page.get_by_role("button", name="Change the password")
    page.get_by_label("Current password").fill(PASSWORD)
    new, again = page.get_by_label("New password"), page.get_by_label("The same again")
    for text, kept in (("short", 1), ("longenou", 2), ("Longenough", 3), ("Longenough1", 4), ("Ä1" + "x" * 127, 2)):
        new.fill(text)
        expect(page.locator(".rule-kept")).to_have_count(kept)
        expect(change).to_be_disabled()
    new.fill(OTHER)
    again.fill(OTHER + "x")
    expect(page.get_by_text("The two are not the same.")).to_be_visible()
    expect(change).to_be_disabled()
    again.fill(OTHER)
    expect(change).to_be_enabled()


def test_password_change(signed_in, window, server, person):
    portal, elsewhere = signed_in(), signed_in()
    page = portal.page
    portal.allow("status of 403")

    def fill(old):
        page.get_by_label("Current password").fill(old)
        page.get_by_label("New password").fill(OTHER)
        page.get_by_label("The same again").fill(OTHER)
        page.get_by_role("button", name="Change the password").click()

    fill("Wrong-Horse-9")
    expect(page.get_by_role("alert").filter(has_text="the old password is wrong")).to_be_visible()
    fill(PASSWORD)
    expect(page.get_by_text("The password is changed.")).to_be_visible()
    # This window stays signed in, the other is asked.
    page.reload()
    portal.settle()
    assert portal.heading() == "Profile"
    elsewhere.allow("status of 401")
    elsewhere.page.get_by_label("Remark").fill("x")
    elsewhere.page.get_by_role("button", name="Save").click()
    expect(elsewhere.page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    assert Harbor(server.registry(person[0], OTHER)).get("/users/current").status == 200
    assert Harbor(server.registry(person[0], PASSWORD)).get("/users/current").status == 401


# ---- tokens ----

def test_tokens(signed_in, server, person):
    portal = signed_in("/account/tokens")
    page = portal.page
    expect(page.get_by_text("You have no access token.")).to_be_visible()
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("notebook")
    expect(dialog.get_by_label("Read")).to_be_checked()
    dialog.get_by_label("Ends after").select_option("90")
    assert portal.axe() == []
    dialog.get_by_role("button", name="Create").click()
    secret = page.get_by_role("dialog", name="Token notebook")
    expect(secret.get_by_text("it is not shown again")).to_be_visible()
    token = secret.locator("pre").first.inner_text()
    assert token.startswith("hf_")
    portal.context.grant_permissions(["clipboard-read", "clipboard-write"])
    secret.get_by_role("button", name="Copy the token").click()
    assert page.evaluate("navigator.clipboard.readText()") == token
    portal.shot("token-made")
    assert portal.axe() == []
    secret.get_by_role("button", name="I have stored it").click()
    assert token not in page.content()
    bearer = {"Authorization": f"Bearer {token}"}
    assert Harbor(server.anonymous()).call("GET", "/users/current", headers=bearer).json()["username"] == person[0]
    row = page.get_by_role("row", name="notebook")
    expect(row).to_contain_text("Read")
    expect(row.get_by_title(re.compile("20"))).not_to_have_count(0)
    portal.shot("tokens")
    page.get_by_role("button", name="Revoke notebook").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The token “notebook” ends at once")
    dialog.get_by_role("button", name="Revoke the token").click()
    expect(page.get_by_text("You have no access token.")).to_be_visible()
    assert Harbor(server.anonymous()).call("GET", "/users/current", headers=bearer).status == 401


def test_tokens_that_cannot_be(signed_in, person):
    assert person[2].post(f"/users/{person[1]}/tokens", {"name": "ci", "scope": "all", "duration": 0})
    portal = signed_in("/account/tokens")
    portal.allow("status of 4..")
    page = portal.page
    row = page.get_by_role("row", name="ci")
    expect(row).to_contain_text("Everything")
    expect(row).to_contain_text("never")
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("ci")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_role("alert").filter(has_text='there is a token "ci" already')).to_be_visible()
    dialog.get_by_label("Name").fill("a\x7fb")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_label("Name")).to_be_focused()
    expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Ends after").select_option("0")
    expect(dialog.get_by_text("A token that never ends is a risk")).to_be_visible()
    dialog.get_by_label("Ends after").select_option("custom")
    dialog.get_by_label("Number of days").fill("12")
    dialog.get_by_label("Name").fill("dozen")
    dialog.get_by_label("Write").check()
    dialog.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="I have stored it").click()
    ends = page.get_by_role("row", name="dozen").locator("time").nth(1).get_attribute("datetime")
    left = datetime.datetime.fromisoformat(ends) - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=11, hours=23) < left <= datetime.timedelta(days=12)
    page.get_by_role("button", name="Name").click()
    portal.settle()
    expect(page.locator("tbody tr").first).to_contain_text("ci")
    assert "sort=name" in page.url


# ---- sessions ----

def test_sessions(signed_in, person):
    portal = signed_in("/account/sessions")
    other = signed_in(anew=True)
    page = portal.page
    page.reload()
    portal.settle()
    expect(page.get_by_role("row", name="this one")).to_have_count(1)
    expect(page.locator("tbody tr")).to_have_count(2)
    portal.shot("sessions")
    assert portal.axe() == []
    page.locator("tbody tr").filter(has_not_text="this one").get_by_role("button", name="End the session").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out there").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    other.allow("status of 401")
    other.page.get_by_role("link", name="Sessions").click()
    expect(other.page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    # All of them: this one leads to the sign-in, and from there back.
    page.get_by_role("button", name="Sign out everywhere").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out there").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.locator("main input[name=principal]").fill(person[0])
    page.locator("main input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Sessions")


def test_a_session_that_ended_keeps_the_page(signed_in, person, admin):
    portal = signed_in()
    portal.allow("status of 401")
    page = portal.page
    page.get_by_label("Remark").fill("Written before it ended.")
    end_sessions(person)
    page.get_by_role("button", name="Save").click()
    again = page.get_by_role("dialog", name="Sign in again")
    expect(again).to_be_visible()
    expect(again.get_by_label("User name or e-mail address")).to_have_value(person[0])
    expect(again.get_by_label("Password")).to_be_focused()
    portal.shot("session-ended")
    assert portal.axe() == []
    again.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(again.get_by_role("alert")).to_have_text("User name or password is wrong.")
    again.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(again).to_be_hidden()
    expect(page.get_by_text("Your session has ended")).to_have_count(0)
    expect(page.get_by_label("Remark")).to_have_value("Written before it ended.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert admin.json(f"/users/{person[1]}")["comment"] == "Written before it ended."


def test_a_session_that_ended_leads_to_the_sign_in_and_back(signed_in, person):
    portal = signed_in()
    portal.allow("status of 401")
    page = portal.page
    end_sessions(person)
    page.get_by_role("link", name="Access tokens").first.click()
    expect(page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    notice = page.get_by_role("alert").filter(has_text="Your session has ended")
    notice.get_by_role("button", name="Sign in again").click()
    expect(page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    page.keyboard.press("Escape")
    notice.get_by_role("link", name="To the sign-in page").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.locator("main input[name=principal]").fill(person[0])
    page.locator("main input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Access tokens")
    expect(page.get_by_text("You have no access token.")).to_be_visible()


def test_what_could_not_be_had_is_asked_for_again(signed_in, person):
    portal = signed_in()
    portal.allow("status of 401")
    page = portal.page
    end_sessions(person)
    page.get_by_role("link", name="Sessions").first.click()
    again = page.get_by_role("dialog", name="Sign in again")
    again.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="this one")).to_be_visible()


# ---- nobody, and who is new ----

@pytest.mark.parametrize("path", ["/account", "/account/tokens", "/account/sessions"])
def test_nobody_is_led_to_the_sign_in(window, server, person, path):
    portal = window(server=server)
    page = portal.open(path)
    expect(page.locator("h1")).to_have_text("Sign in")
    page.locator("main input[name=principal]").fill(person[0])
    page.locator("main input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Areas of the account").get_by_role("link")).to_have_count(3)
    assert page.url.endswith("/-" + path)


def test_no_such_area(signed_in):
    portal = signed_in()
    portal.open("/account/nothing")
    assert portal.heading() == "Not found"


def test_sign_up(window, server, admin):
    portal = window(server=server)
    page = portal.open("/sign-up")
    assert portal.heading() == "Not found"
    page = portal.open("/sign-in")
    expect(page.get_by_role("link", name="No account yet")).to_have_count(0)
    admin.put("/configurations", {"self_registration": True})
    try:
        taken, name = fresh("old"), fresh("new")
        admin.add_user(taken)
        page = portal.open("/sign-in", next="/-/account/tokens")
        page.get_by_role("link", name="No account yet").click()
        expect(page.locator("h1")).to_have_text("Sign up")
        portal.shot("sign-up")
        assert portal.axe() == []
        portal.allow("status of 4..")
        make = page.get_by_role("button", name="Make the account")
        page.get_by_label("User name").fill(taken)
        page.get_by_label("E-mail address").fill(f"{name}@example.org")
        page.get_by_label("Password").fill("tooweak")
        expect(make).to_be_disabled()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        make.click()
        expect(page.get_by_role("alert").filter(has_text=f"there is a user {taken} already")).to_be_visible()
        page.get_by_label("User name").fill("a:b")
        make.click()
        expect(page.get_by_label("User name")).to_be_focused()
        expect(page.locator(".field-wrong").filter(has_text="must not hold")).to_be_visible()
        page.get_by_label("User name").fill(name)
        make.click()
        expect(page.locator("h1")).to_have_text("Access tokens")
        assert admin.json("/users", username=name)[0]["sysadmin_flag"] is False
    finally:
        admin.put("/configurations", {"self_registration": False})


def test_who_guesses_is_told_when_to_try_again(window, start):
    server = start()
    guesser = server.registry("admin", "wrong")
    portal = window(server=server)
    portal.allow("status of 401", "status of 429")
    page = portal.open("/sign-in")
    page.get_by_label("User name or e-mail address").fill("admin")
    page.get_by_label("Password").fill("wrong")
    for _ in range(6):
        while guesser.get("/v2/").status != 429:
            pass
        # One more is forgiven every second and a half.
        with page.expect_response("**/c/login") as answer:
            page.get_by_label("Password").press("Enter")
        if answer.value.status == 429:
            break
    expect(page.get_by_role("alert")).to_have_text(re.compile(r"Try again in [12] seconds?\."))
    expect(page.get_by_role("main").get_by_role("button", name="Sign in")).to_be_disabled()
    expect(page.get_by_role("alert")).to_contain_text("Now you can try again")
    expect(page.get_by_role("main").get_by_role("button", name="Sign in")).to_be_enabled()


# ---- phone, keyboard, dark, Chinese ----

@pytest.mark.parametrize("path", ["/account", "/account/tokens", "/account/sessions"])
@pytest.mark.parametrize("how", [{"phone": True}, {"dark": True}, {"language": "zh-CN", "dark": True, "phone": True}], ids=["phone", "dark", "zh"])
def test_everywhere(signed_in, person, path, how):
    portal = signed_in(path, **how)
    portal.shot("account" + path.replace("/", "-") + "".join(f"-{k}" for k in how))
    assert portal.axe() == []
    assert portal.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_by_keyboard(signed_in):
    portal = signed_in("/account/tokens")
    page = portal.page
    page.get_by_role("button", name="New token").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    page.keyboard.type("by hand")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("dialog").get_by_label("Write")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="New token")).to_be_focused()
