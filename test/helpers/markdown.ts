/** What is under a heading, up to the next one of its level or above. @throws where there is none */
export function sectionOf(text: string, heading: string): string {
  const [, level = ""] = /^(#+) /.exec(heading) ?? [];
  const [, rest] = `\n${text}`.split(`\n${heading}\n`);
  if (rest === undefined) throw new Error(`no heading: ${heading}`);
  const [section = ""] = rest.split(new RegExp(`^#{1,${level.length}} `, "m"));
  return section;
}

/** The texts of its blocks in a language, such as `sh`. */
export function codeBlocks(text: string, language: string): string[] {
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"));
  return [...blocks].map(([, block = ""]) => block);
}

/** Code within lines. */
export function inlineCode(text: string): string[] {
  return [...text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, code = ""]) => code);
}

/** What its links and images lead to. */
export function linksOf(text: string): string[] {
  const prose = withoutBlocks(text).replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = ""]) => target);
}

/** What can stand behind a `#`, as GitHub makes it of headings. */
export function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutBlocks(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => {
    const words = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "");
    const anchor = words.replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

const withoutBlocks = (text: string): string => text.replaceAll(/^```.*?^```$/gms, "");
