// SPDX-License-Identifier: Apache-2.0
import type { discover as en } from "./en-discover";

export const discover: Record<keyof typeof en, string> = {
  "facet.find": "查找取值",
  "facet.find.of": "查找取值：{facet}",
  "facet.find.none": "没有这样的取值。",
  "facet.fewer": "收起",
  "filter.active": "正在使用的筛选",
  "filter.away": "移除筛选",
  "range.least": "从",
  "range.most": "到",
  "range.apply": "确定",
  "range.wrong": "请填写 500M、1.5B、70B 这样的数字，较小者在前。",
  "range.from": "{from} 及以上",
  "range.to": "至多 {to}",
  "range.between": "{from} 到 {to}",
};
