// SPDX-License-Identifier: Apache-2.0
// Short words on what was done, which go away by themselves.
import { signal } from "@preact/signals";
import { t } from "../i18n";
import { Icon } from "./icon";

const toasts = signal<{ id: number; text: string }[]>([]);
let last = 0;

export function say(text: string): void {
  const id = ++last;
  const drop = () => (toasts.value = toasts.value.filter((x) => x.id !== id));
  toasts.value = [...toasts.value, { id, text }];
  setTimeout(drop, 6000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((x) => (
        <div class="toast show" key={x.id}>
          <div class="toast-body d-flex gap-2">
            <Icon name="check" />
            <span class="flex-grow-1">{x.text}</span>
            <button type="button" class="btn btn-sm" aria-label={t("close")}
              onClick={() => (toasts.value = toasts.value.filter((y) => y.id !== x.id))}>
              <Icon name="close" />
            </button>
          </div>
        </div>
      ))}
    </div>
  );
}
