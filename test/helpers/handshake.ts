import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket, type TlsOptions } from "node:tls";

/** What a client brings to a handshake; PEM. */
export interface Client {
  readonly ca: string;
  /** The name that it asks for; 127.0.0.1 when undefined. */
  readonly host?: string;
  readonly pair?: { readonly certificate: string; readonly key: string };
}

/**
 * A TLS 1.3 handshake on loopback.
 * @returns the client certificate's names as the server has them, or the code of why there is none
 */
export async function handshake(server: TlsOptions, client: Client): Promise<string> {
  const listener = createServer({ minVersion: "TLSv1.3", ...server }, (socket) => {
    socket.on("error", () => undefined);
    const names = socket.getPeerX509Certificate()?.subjectAltName;
    socket.end(names ?? "no client certificate");
  });
  listener.on("tlsClientError", () => undefined);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const socket: TLSSocket = connect({
    port: (listener.address() as AddressInfo).port,
    host: "127.0.0.1",
    servername: client.host,
    ca: client.ca,
    cert: client.pair?.certificate,
    key: client.pair?.key,
  });
  try {
    let text = "";
    for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
    return text;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "no code";
  } finally {
    socket.destroy();
    await once(listener.close(), "close");
  }
}
