// SPDX-License-Identifier: Apache-2.0
export const discover = {
  "facet.find": "Look for a value",
  "facet.find.of": "Look for a value: {facet}",
  "facet.find.none": "None is called like this.",
  "facet.fewer": "Fewer",
  "filter.active": "Filters in use",
  "filter.away": "Take away the filter",
  "range.least": "from",
  "range.most": "to",
  "range.apply": "OK",
  "range.wrong": "Write numbers such as 500M, 1.5B or 70B, the smaller one first.",
  "range.from": "{from} and more",
  "range.to": "up to {to}",
  "range.between": "{from} to {to}",
} as const;
