// SPDX-License-Identifier: Apache-2.0
// Areas with a list of them at the side: each is an address of its own.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icon";
import "../style/admin.css";

export interface SideLink {
  id: string;
  text: string;
  icon: IconName;
  href: string;
}

export function WithSide({ links, open, label, children }: {
  links: SideLink[];
  open: string;
  label: string;
  children: ComponentChildren;
}) {
  const list = useRef<HTMLElement>(null);
  // On a phone the list is one line, of which a part is in sight.
  useEffect(() => {
    const here = list.current?.querySelector<HTMLElement>(".active");
    if (list.current && here) list.current.scrollLeft = here.offsetLeft - (list.current.clientWidth - here.offsetWidth) / 2;
  }, [open]);
  return (
    <div class="with-side">
      <nav class="side-nav nav flex-column" aria-label={label} ref={list}>
        {links.map((l) => (
          <a key={l.id} class={`nav-link ${l.id === open ? "active" : ""}`} href={l.href}
            aria-current={l.id === open ? "page" : undefined}>
            <Icon name={l.icon} /> {l.text}
          </a>
        ))}
      </nav>
      <div class="side-content">{children}</div>
    </div>
  );
}
