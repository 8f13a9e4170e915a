import type { Report } from "./report.ts";

const barHeight = 18;
const gap = 10;
const labelWidth = 250;
const scale = 360; // pixels of a ratio of 1
const width = labelWidth + scale * 1.4;

/** The ratios as bars, each with its spread, against the line of what they are compared with. */
export function chartOf({ rows, date }: Report): string {
  const bars = rows.flatMap(({ name, ratio, aim }) =>
    ratio === undefined ? [] : [{ name, ratio, aim }],
  );
  const height = 50 + bars.length * (barHeight + gap);
  const x = (ratio: number): number => labelWidth + Math.min(ratio, 1.35) * scale;
  const lines = bars.flatMap(({ name, ratio, aim }, index) => {
    const y = 40 + index * (barHeight + gap);
    const colour = aim === undefined ? "#7a8aa0" : aim.isMet ? "#2f7d5b" : "#b3541e";
    const middle = y + barHeight / 2;
    return [
      `<text x="${labelWidth - 10}" y="${middle + 4}" text-anchor="end">${escape(name)}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${x(ratio.median) - labelWidth}" height="${barHeight}" fill="${colour}"/>`,
      `<path d="M${x(ratio.least)} ${middle}H${x(ratio.most)}" stroke="#111" stroke-width="1.5"/>`,
      `<text x="${x(ratio.median) + 8}" y="${y + barHeight - 4}">${ratio.median.toFixed(2)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="10" y="20" font-size="14">Speed as a share of the limit, ${date}</text>`,
    `<path d="M${x(1)} 30V${height - 10}" stroke="#999" stroke-dasharray="4 3"/>`,
    `<text x="${x(1) + 4}" y="34" fill="#666">the limit</text>`,
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
