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
  /** Answers requests. */
  readonly listener: RequestListener;
}

/**
 * Ends a server's connections at a set age, between two requests: the answer under way at that time
 * says `connection: close`, and an idle connection is closed at once.
 * @returns ends all connections that are open now, each after its answer
 */
export function limitLifetimes(
  server: Server,
  { event, lifetime, listener }: Lifetimes,
): () => void {
  const lives = new Map<Socket, Life>();

  const retire = (socket: Socket, life: Life): void => {
    life.old = true;
    const { answer } = life;
    if (answer === undefined || answer.closed) {
      socket.destroy();
      return;
    }
    answer.shouldKeepAlive = false; // said where its head is not out yet
    endAfter(answer, socket);
  };
  server.on(event, (socket: Socket) => {
    const life: Life = { answer: undefined, old: false };
    const timer = setTimeout(() => retire(socket, life), lifetime(socket)).unref();
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
      if (life.old) endAfter(response, request.socket);
    }
    listener(request, response);
  });
  return () => {
    for (const [socket, life] of lives) retire(socket, life);
  };
}

function endAfter(answer: ServerResponse, socket: Socket): void {
  answer.once("close", () => socket.end());
}
