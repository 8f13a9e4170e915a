import { isIP } from "node:net";

export type Environment = Readonly<Record<string, string | undefined>>;

const placeholder = "${POD_IP}:";

/** Whether a listen address leaves its host to the environment. */
export function namesPodAddress(text: string): boolean {
  return text.startsWith(placeholder);
}

/**
 * `${POD_IP}:7765` → `10.0.0.7:7765` or `[fd00::7]:7765`. A pod learns its own address, for which
 * packets are signed, from its environment alone, so no config that pods share can hold it.
 * @returns undefined when POD_IP holds no address
 */
export function fillPodAddress(
  text: string,
  { POD_IP: host = "" }: Environment,
): string | undefined {
  const family = isIP(host);
  if (family === 0) return undefined;
  return `${family === 6 ? `[${host}]` : host}:${text.slice(placeholder.length)}`;
}
