// SPDX-License-Identifier: Apache-2.0
// The shell: the bar at the top, the page that the address names, and what is there before any of it is known.
import { LocationProvider, Route, Router, useLocation } from "preact-iso";
import { useEffect, useRef, useState } from "preact/hooks";
import { LANGUAGES, language, setLanguage, t } from "./i18n";
import { useSlash } from "./lib/keys";
import { BASE, link } from "./lib/url";
import { begin, can, ended, info, isAdmin, signOut, user } from "./lib/session";
import { setTheme, theme } from "./lib/theme";
import { NotFound, pages } from "./pages";
import { Banner } from "./ui/banner";
import { Failure, Loading } from "./ui/basic";
import { Icon } from "./ui/icon";
import { Menu } from "./ui/menu";
import { SignInAgain } from "./ui/sign-in-form";
import { Toasts } from "./ui/toast";

function NavLink({ href, text, also = [] }: { href: string; text: string; also?: string[] }) {
  const { path } = useLocation();
  const below = (p: string) => path === p || path.startsWith(`${p}/`);
  const here = also.some(below) || (href === `${BASE}/` ? path === BASE || path === href : below(href));
  return (
    <a class={`nav-link ${here ? "active" : ""}`} href={href} aria-current={here ? "page" : undefined}>{text}</a>
  );
}

function SearchBox() {
  const { route, path } = useLocation();
  const box = useRef<HTMLInputElement>(null);
  useSlash(box);
  const submit = (e: Event) => {
    e.preventDefault();
    route(link("/", { q: box.current?.value.trim() ?? "" }));
  };
  // The first page has a larger one.
  if (!can("listModels") || path === BASE || path === `${BASE}/`) return <div class="top-search" />;
  return (
    <form class="top-search" role="search" onSubmit={submit}>
      <Icon name="search" />
      <input ref={box} class="form-control form-control-sm" type="search" name="q" placeholder={t("search.models")}
        aria-label={t("search.models")} aria-keyshortcuts="/" />
    </form>
  );
}

function UserMenu() {
  const { path, url, route } = useLocation();
  const who = user.value;
  if (!who)
    return path === link("/sign-in") ? null : (
      <a class="btn btn-sm btn-primary" href={link("/sign-in", { next: url })}>{t("signIn")}</a>
    );
  const leave = async () => {
    await signOut();
    route(`${BASE}/`);
  };
  return (
    <Menu align="end" title={`${t("menu.account")}: ${who.username ?? ""}`} label={<><Icon name="person" /> <span class="minor">{who.username}</span></>}>
      <div class="menu-head">{who.realname || who.username}<br /><small>{who.email}</small></div>
      <a href={link("/account")}>{t("account.title")}</a>
      {can("listSessions") && <a href={link("/account/sessions")}>{t("sessions.title")}</a>}
      {can("listPersonalTokens") && <a href={link("/account/tokens")}>{t("tokens.title")}</a>}
      <button type="button" onClick={leave}>{t("signOut")}</button>
    </Menu>
  );
}

function TopBar() {
  return (
    <header class="top">
      <a class="brand" href={`${BASE}/`}>
        <img src={`${BASE}/haven.svg`} alt="" width={28} height={28} />
        <span>Haven</span>
      </a>
      <nav class="top-nav" aria-label={t("nav.label")}>
        <NavLink href={`${BASE}/`} text={t("nav.discover")} also={[link("/m")]} />
        <NavLink href={link("/projects")} text={t("nav.projects")} />
        {isAdmin() && <NavLink href={link("/admin")} text={t("nav.admin")} />}
      </nav>
      <SearchBox />
      <div class="top-end">
        <Menu align="end" title={t("menu.language")} label={<Icon name="globe" />}>
          {Object.entries(LANGUAGES).map(([code, l]) => (
            <button type="button" key={code} lang={code} aria-pressed={language.value === code}
              onClick={() => setLanguage(code)}>
              {l.name} {language.value === code && <Icon name="check" />}
            </button>
          ))}
        </Menu>
        <button type="button" class="btn btn-sm" aria-label={t(theme.value === "dark" ? "theme.light" : "theme.dark")}
          title={t(theme.value === "dark" ? "theme.light" : "theme.dark")}
          onClick={() => setTheme(theme.value === "dark" ? "light" : "dark")}>
          <Icon name={theme.value === "dark" ? "sun" : "moon"} />
        </button>
        <UserMenu />
      </div>
    </header>
  );
}

/** The focus follows the page, so that who uses the keyboard or hears the page is where the content begins. */
function Content() {
  const { path } = useLocation();
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current !== path) document.getElementById("main")?.focus({ preventScroll: true });
    shown.current = path;
  }, [path]);
  return (
    <main id="main" tabIndex={-1}>
      {ended.value && <SignInAgain />}
      {info.value.banner_message && <Banner text={info.value.banner_message} />}
      {info.value.read_only && <div class="alert alert-warning" role="status">{t("readOnly")}</div>}
      <Router>
        {pages.filter((p) => can(...p.needs) && (!p.admin || isAdmin())).map((p) => (
          <Route key={p.path} path={BASE + p.path} component={p.component} />
        ))}
        <Route default component={NotFound} />
      </Router>
    </main>
  );
}

export function App() {
  const [failed, setFailed] = useState<unknown>();
  const start = () => {
    setFailed(undefined);
    begin().catch(setFailed);
  };
  useEffect(start, []);
  if (failed !== undefined) return <main id="main"><Failure error={failed} retry={start} /></main>;
  if (user.value === undefined) return <main id="main"><Loading /></main>;
  return (
    <LocationProvider scope={BASE}>
      <a class="visually-hidden-focusable skip" href="#main">{t("nav.skip")}</a>
      <TopBar />
      <Content />
      <footer class="foot text-body-secondary">
        Haven · <a href="/api/v2.0/openapi.json">{t("foot.api")}</a>
      </footer>
      <Toasts />
    </LocationProvider>
  );
}
