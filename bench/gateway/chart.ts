import type { Report } from "./report.ts";

const barHeight = 18;
const gap = 10;
const labelWidth = 320;
const scale = 320; // pixels of a ratio of 1
const greatest = 1.35;
/** Where the figures stand, clear of every bar and spread. */
const figures = labelWidth + scale * greatest + 10;
const width = figures + 40;
const colours = { met: "#2f7d5b", missed: "#b3541e", none: "#7a8aa0" };

/** The ratios as bars, each with its spread, against the line of what they are compared with. */
export function chartOf({ rows, date }: Report): string {
  const bars = rows.flatMap(({ name, ratio, aim }) =>
    ratio === undefined ? [] : [{ name, ratio, aim }],
  );
  const height = 60 + bars.length * (barHeight + gap);
  const x = (ratio: number): number => labelWidth + Math.min(ratio, greatest) * scale;
  const lines = bars.flatMap(({ name, ratio, aim }, index) => {
    const y = 50 + index * (barHeight + gap);
    const colour = aim === undefined ? colours.none : aim.isMet ? colours.met : colours.missed;
    const middle = y + barHeight / 2;
    return [
      `<text x="${labelWidth - 10}" y="${middle + 4}" text-anchor="end">${escape(name)}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${x(ratio.median) - labelWidth}" height="${barHeight}" fill="${colour}"/>`,
      `<path d="M${x(ratio.least)} ${middle}H${x(ratio.most)}" stroke="#111" stroke-width="1.5"/>`,
      `<text x="${figures}" y="${middle + 4}">${ratio.median.toFixed(2)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="10" y="20" font-size="14">Speed as a share of the limit, ${date}</text>`,
    `<text x="10" y="38" fill="#666">Medians; lines: the spread of the rounds. Aim <tspan fill="${colours.met}">met</tspan>, <tspan fill="${colours.missed}">missed</tspan>, <tspan fill="${colours.none}">none</tspan>.</text>`,
    `<path d="M${x(1)} 44V${height - 10}" stroke="#999" stroke-dasharray="4 3"/>`,
    `<text x="${x(1)}" y="38" fill="#666" text-anchor="middle">the limit</text>`,
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
