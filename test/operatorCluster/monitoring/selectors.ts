const prefix = "(?:qrng|controller_runtime|workqueue|rest_client|leader_election)_";
const selector = new RegExp(String.raw`\b${prefix}[a-z0-9_]+(?:\{[^}]*\})?`, "g");
const choice = /([a-z_]+)=~"([a-z]+(?:\|[a-z]+)+)"/i;

/**
 * The selectors in a text with PromQL, one for each value where a label may have several: each of
 * them has series, or asks for something that no program exposes.
 */
export function selectorsIn(text: string): string[] {
  return [...new Set((text.match(selector) ?? []).flatMap(eachChoice))];
}

function eachChoice(text: string): string[] {
  const [found, label = "", values = ""] = choice.exec(text) ?? [];
  if (found === undefined) return [text];
  return values
    .split("|")
    .flatMap((value) => eachChoice(text.replace(found, `${label}="${value}"`)));
}
