import { request } from "node:https";
import type { Identity } from "../helpers/certificates.ts";

/** An API server, and who asks it. */
export interface Reader {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly user: Pick<Identity, "certificate" | "key">;
}

/**
 * What the API has at a path, as JSON; undefined for what is not there. A test that polls would else
 * start a kubectl each time, and leave no processor to what it waits for.
 * @throws when it answers anything else
 */
export async function readPath({ url, ca, user }: Reader, path: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const tls = { ca, cert: user.certificate, key: user.key };
  const sent = request(new URL(path, url), { ...tls, agent: false }, (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (part: string) => (text += part));
    answer.on("error", reject).on("end", () => {
      if (answer.statusCode === 200) resolve(text);
      else if (answer.statusCode === 404) resolve(undefined);
      else reject(new Error(`GET ${path}: ${answer.statusCode} ${text}`));
    });
  });
  sent.on("error", reject).end();
  const text = await promise;
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
