import { Agent } from "node:https";
import type { Duplex } from "node:stream";
import { connect, type ConnectionOptions } from "node:tls";
import type { ClientPair } from "../tlsFiles.ts";
import { openTunnel, type Proxy } from "./proxyTunnel.ts";
import { SourceError } from "./source.ts";
import { trustProblem, type Trust } from "./tlsProblem.ts";

/** What a source's TLS is set up with. */
export interface TlsSettings {
  readonly trust: Trust;
  readonly client: ClientPair | undefined;
  readonly proxy: Proxy | undefined;
}

type Callback = (error: Error | null, stream?: Duplex) => void;
interface Opening {
  destroy(error: Error): unknown;
}

/**
 * Connections to one source. A socket is handed over only after its certificate was judged, so no
 * byte of a request ever reaches a peer that is not trusted.
 */
export class SourceAgent extends Agent {
  readonly #settings: TlsSettings;
  readonly #opening = new Set<Opening>();

  constructor(settings: TlsSettings) {
    // No cached sessions: a resumed one would show no certificate to compare with the pins.
    super({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0, minVersion: "TLSv1.2" });
    this.#settings = settings;
  }

  override createConnection(options: ConnectionOptions, callback: Callback): undefined {
    const { proxy } = this.#settings;
    if (proxy === undefined) return this.#secure(options, callback);
    const host = options.host ?? "";
    const tunnel = openTunnel(proxy, { host, port: Number(options.port) }, (error, carrier) => {
      this.#opening.delete(tunnel);
      if (carrier === undefined) callback(error);
      else this.#secure({ ...options, socket: carrier }, callback);
    });
    this.#opening.add(tunnel);
    return undefined;
  }

  #secure(options: ConnectionOptions, callback: Callback): undefined {
    const { trust, client } = this.#settings;
    const socket = connect({
      ...options,
      ...(trust.ca === undefined ? {} : { ca: trust.ca }),
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
      // Node would drop the certificate that it refuses; `trustProblem` refuses it, and can name it.
      rejectUnauthorized: false,
    });
    const fail = (error: Error): void => {
      this.#opening.delete(socket);
      callback(error, socket);
    };
    this.#opening.add(socket);
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      const problem = trustProblem(socket, trust);
      if (problem !== undefined) return void socket.destroy(problem);
      socket.off("error", fail);
      this.#opening.delete(socket);
      callback(null, socket);
    });
  }

  /**
   * Ends connections that are not ready yet. No request holds them, so a request that is given up
   * would else wait for them, for ever when the peer never finishes its handshake.
   */
  giveUpConnecting(): void {
    for (const opening of this.#opening) {
      opening.destroy(new SourceError("ERR_SOURCE_TIMEOUT", "did not answer in time"));
    }
  }

  override destroy(): void {
    this.giveUpConnecting();
    super.destroy();
  }
}
