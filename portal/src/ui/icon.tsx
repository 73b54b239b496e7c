// SPDX-License-Identifier: Apache-2.0
// Pictures out of bootstrap-icons, drawn in place: one line here for each that is used.
import box from "bootstrap-icons/icons/box-seam.svg?raw";
import check from "bootstrap-icons/icons/check-lg.svg?raw";
import chevronDown from "bootstrap-icons/icons/chevron-down.svg?raw";
import chevronRight from "bootstrap-icons/icons/chevron-right.svg?raw";
import circle from "bootstrap-icons/icons/circle.svg?raw";
import clipboard from "bootstrap-icons/icons/clipboard.svg?raw";
import clock from "bootstrap-icons/icons/clock-history.svg?raw";
import close from "bootstrap-icons/icons/x-lg.svg?raw";
import code from "bootstrap-icons/icons/code-slash.svg?raw";
import cpu from "bootstrap-icons/icons/cpu.svg?raw";
import download from "bootstrap-icons/icons/download.svg?raw";
import exclamation from "bootstrap-icons/icons/exclamation-triangle.svg?raw";
import file from "bootstrap-icons/icons/file-earmark.svg?raw";
import folder from "bootstrap-icons/icons/folder2.svg?raw";
import gear from "bootstrap-icons/icons/gear.svg?raw";
import globe from "bootstrap-icons/icons/globe2.svg?raw";
import heart from "bootstrap-icons/icons/heart-pulse.svg?raw";
import journal from "bootstrap-icons/icons/journal-text.svg?raw";
import key from "bootstrap-icons/icons/key.svg?raw";
import leave from "bootstrap-icons/icons/box-arrow-right.svg?raw";
import lock from "bootstrap-icons/icons/lock.svg?raw";
import moon from "bootstrap-icons/icons/moon-stars.svg?raw";
import pause from "bootstrap-icons/icons/pause-circle.svg?raw";
import pencil from "bootstrap-icons/icons/pencil.svg?raw";
import people from "bootstrap-icons/icons/people.svg?raw";
import person from "bootstrap-icons/icons/person-circle.svg?raw";
import pie from "bootstrap-icons/icons/pie-chart.svg?raw";
import play from "bootstrap-icons/icons/play-circle.svg?raw";
import plus from "bootstrap-icons/icons/plus-lg.svg?raw";
import recycle from "bootstrap-icons/icons/recycle.svg?raw";
import robot from "bootstrap-icons/icons/robot.svg?raw";
import scale from "bootstrap-icons/icons/file-earmark-text.svg?raw";
import search from "bootstrap-icons/icons/search.svg?raw";
import share from "bootstrap-icons/icons/diagram-3.svg?raw";
import shield from "bootstrap-icons/icons/shield-lock.svg?raw";
import stop from "bootstrap-icons/icons/stop-circle.svg?raw";
import sun from "bootstrap-icons/icons/sun.svg?raw";
import tag from "bootstrap-icons/icons/tag.svg?raw";
import tags from "bootstrap-icons/icons/tags.svg?raw";
import trash from "bootstrap-icons/icons/trash.svg?raw";
import { trusted } from "../lib/trusted";

const all = {
  box, check, chevronDown, chevronRight, circle, clipboard, clock, close, code, cpu, download, exclamation,
  file, folder, gear, globe, heart, journal, key, leave, lock, moon, pause, pencil, people, person, pie, play,
  plus, recycle, robot, scale, search, share, shield, stop, sun, tag, tags, trash,
};

export type IconName = keyof typeof all;

export function Icon({ name }: { name: IconName }) {
  return <span class="icon" aria-hidden="true" dangerouslySetInnerHTML={{ __html: trusted(all[name]) }} />;
}
