// SPDX-License-Identifier: Apache-2.0
// A part of a page with a heading of its own.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export function Section({ title, lead, actions, children }: {
  title: string;
  lead?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class="section" aria-labelledby={id}>
      <div class="section-head">
        <h2 id={id}>{title}</h2>
        {actions && <div class="section-actions">{actions}</div>}
      </div>
      {lead && <p class="text-body-secondary">{lead}</p>}
      {children}
    </section>
  );
}
