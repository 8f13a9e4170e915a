import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

interface Life {
  /** The latest answer; it is under way until it is closed. */
  answer: ServerResponse | undefined;
  /** The time is up. */
  old: boolean;
}

export interface Lifetimes {
  /** `secureConnection` where TLS is spoken. */
  readonly event: "connection" | "secureConnection";
  /** Milliseconds for one connection. */
  readonly lifetime: (socket: Socket) => number;
  /**
   * Whether a connection that is idle at its age is closed at once, with a request that may be on its
   * way. Else it ends with its next answer, or when it has been idle for as long as the server allows.
   */
  readonly cutsIdle: boolean;
  /** Answers requests. */
  readonly listener: RequestListener;
}

/**
 * Ends a server's connections at a set age, between two requests: the answer under way at that time
 * says `connection: close`.
 * @returns ends all connections that are open now, each after its answer, and idle ones at once
 */
export function limitLifetimes(
  server: Server,
  { event, lifetime, cutsIdle, listener }: Lifetimes,
): () => void {
  const lives = new Map<Socket, Life>();

  const retire = (socket: Socket, life: Life, cutsWhenIdle: boolean): void => {
    life.old = true;
    const { answer } = life;
    if (answer !== undefined && !answer.closed) endWith(answer, socket);
    else if (cutsWhenIdle) socket.destroy();
  };
  server.on(event, (socket: Socket) => {
    const life: Life = { answer: undefined, old: false };
    const timer = setTimeout(() => retire(socket, life, cutsIdle), lifetime(socket)).unref();
    lives.set(socket, life);
    socket.once("close", () => {
      clearTimeout(timer);
      lives.delete(socket);
    });
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const life = lives.get(request.socket);
    if (life !== undefined) {
      life.answer = response;
      if (life.old) endWith(response, request.socket);
    }
    listener(request, response);
  });
  return () => {
    for (const [socket, life] of lives) retire(socket, life, true);
  };
}

function endWith(answer: ServerResponse, socket: Socket): void {
  answer.shouldKeepAlive = false; // said where its head is not out yet
  answer.once("close", () => socket.end());
}
