// The WebSocket: news come in, and a connection that is lost comes back by itself.
import type { News } from "../messages";
import { ask, TAB, Trouble } from "./ask";

export type Connection = "connecting" | "open" | "lost" | "refused";

const RECONNECT = 700; // ms

export interface Ends {
  opened: () => Promise<void>; // there is a server, perhaps another one than before
  heard: (news: News) => void;
  lost: () => void;
}

export class Wire {
  connection = $state<Connection>("connecting");
  #socket: WebSocket | null = null;

  constructor(private readonly ends: Ends) {}

  listen(): void {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/news?tab=${TAB}`);
    let was = false;
    this.#socket = socket;
    socket.onopen = async () => {
      was = true;
      await this.ends.opened();
    };
    socket.onmessage = (message) => this.ends.heard(JSON.parse(message.data as string) as News);
    socket.onclose = async () => {
      if (this.#socket !== socket) return;
      if (was) {
        this.connection = "lost";
        this.ends.lost();
      } else await this.#whetherRefused();
      setTimeout(() => this.listen(), RECONNECT);
    };
  }

  // What a question that failed tells of the connection; whether it tells anything.
  learn(error: unknown): boolean {
    const kind = error instanceof Trouble ? error.kind : "";
    if (kind === "unreachable") this.connection = "lost";
    if (kind === "forbidden") this.connection = "refused";
    return kind === "unreachable" || kind === "forbidden";
  }

  // A WebSocket does not say why it was refused; a question does.
  async #whetherRefused(): Promise<void> {
    await ask("shelf", {}).catch((error: unknown) => this.learn(error));
  }
}
