/** What is running, for the one who started it. */
export interface Running {
  readonly bridge: string;
  readonly file: string;
  /** The names of the sources that are simulated. */
  readonly simulated: readonly string[];
  /** `http://127.0.0.1:7764` */
  readonly api: string;
  readonly apiKeyFile: string;
  /** Shown where it is given: on a terminal only. */
  readonly apiKey: string | undefined;
  /** The CA of the API's certificate; undefined for plain http. */
  readonly caFile: string | undefined;
  /** The gateway's push listener; undefined when it has none. */
  readonly push: string | undefined;
  /** The key ring, where the push listener also takes packets of others. */
  readonly unboundKeyRing: string | undefined;
  readonly management: string;
  readonly logs: string;
  /** Whether random bytes have come in yet. */
  readonly flowing: boolean;
}

/** The text that `npm start` prints once all is up. */
export function describeRunning(running: Running): string {
  const { api, apiKey, apiKeyFile, push, unboundKeyRing, management, logs } = running;
  const rows: (readonly [name: string, value: string])[] = [
    ["API", api],
    ["API key", apiKey === undefined ? `in ${apiKeyFile}` : `${apiKey} (in ${apiKeyFile})`],
    ["try", curlLine(running)],
    ["dashboard", `${api}/`],
  ];
  if (push !== undefined) rows.push(["push", push]);
  if (unboundKeyRing !== undefined) {
    rows.push(["", `also takes unbound packets, by the unbound key in ${unboundKeyRing}`]);
  }
  rows.push(["management", `${management}/metrics`], ["logs", logs], ["stop", "Ctrl-C"]);
  const table = rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`);
  return ["", headline(running), ...warnings(running), "", ...table, "", ""].join("\n");
}

/** A line for any POSIX shell, in any folder. */
export function curlLine({ api, apiKeyFile, caFile }: Running): string {
  const trust = caFile === undefined ? "" : `--cacert ${quote(caFile)} `;
  const header = `-H "Authorization: Bearer $(cat ${quote(apiKeyFile)})"`;
  return `curl ${trust}${header} ${quote(`${api}/api/random?bytes=32`)}`;
}

function headline({ bridge, file }: Running): string {
  return `QRNG Bridge runs ${bridge}, from ${file}`;
}

function warnings({ simulated, flowing, logs }: Running): string[] {
  const lines: string[] = [];
  if (simulated.length > 0) {
    lines.push(`SIMULATED appliance: not random hardware (${simulated.join(", ")})`);
  }
  if (!flowing) lines.push(`No random bytes have come in yet; why is in ${logs}`);
  return lines;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
