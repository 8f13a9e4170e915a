import type { Logger } from "../log/logger.ts";
import { boundedGet, type GetAnswer } from "./boundedGet.ts";
import type { HttpEntry } from "./entry.ts";
import { filesOf, loadSettings, type Settings } from "./settings.ts";
import { SourceAgent } from "./tlsAgent.ts";
import { watchFiles, type Watched, type WatchedFiles } from "./watchedFiles.ts";

interface Request {
  readonly url: URL;
  /** See boundedGet. */
  readonly limit: (mediaType: string) => number;
  /** The headers that take the credential, when there is one. */
  readonly authorize?: (credential: string) => Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Asks one source over HTTPS, with the certificates and the credential that its files hold now. */
export class SourceClient {
  readonly #settings: Watched<Settings>;
  readonly #timeout: number;
  #used: Settings;
  #agent: SourceAgent;

  private constructor(settings: Watched<Settings>, timeout: number) {
    this.#settings = settings;
    this.#timeout = timeout;
    this.#used = settings.current();
    this.#agent = new SourceAgent(this.#used.tls);
  }

  /**
   * @param timeout for one request, in milliseconds
   * @throws ConfigError when a file cannot be read or holds something else
   */
  static async open(entry: HttpEntry, timeout: number, log: Logger): Promise<SourceClient> {
    const settings = await watchFiles({
      what: `source ${entry.name}`,
      paths: filesOf(entry),
      load: () => loadSettings(entry),
      log,
    });
    return new SourceClient(settings, timeout);
  }

  get watched(): WatchedFiles | undefined {
    return this.#settings.files;
  }

  /** @throws SourceError for everything but a complete answer */
  async get({ url, limit, authorize, signal }: Request): Promise<GetAnswer> {
    // Connections that were made with other certificates are not used any longer.
    if (this.#used !== this.#settings.current()) {
      this.#agent.destroy();
      this.#used = this.#settings.current();
      this.#agent = new SourceAgent(this.#used.tls);
    }
    const { credential } = this.#used;
    return boundedGet(url, {
      agent: this.#agent,
      timeout: this.#timeout,
      limit,
      headers: credential === undefined ? {} : (authorize?.(credential) ?? {}),
      signal,
    });
  }

  close(): void {
    this.#settings.stop();
    this.#agent.destroy();
  }
}

export function bearer(credential: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${credential}` };
}
