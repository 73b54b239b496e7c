// SPDX-License-Identifier: Apache-2.0
// What is done with a row of a table: a picture, with the words for who points at it or hears the page.
import { Icon, type IconName } from "./icon";

export function RowButton({ icon, label, onClick, disabled, danger }: {
  icon: IconName;
  label: string;
  onClick: () => void;
  disabled?: boolean;
  danger?: boolean;
}) {
  return (
    <button type="button" class={`btn btn-sm row-button ${danger ? "row-danger" : ""}`} title={label} aria-label={label}
      disabled={disabled} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
