// The bytes of files come and go by HTTP, at the web address of the server.
import { ProtocolError, ServerError } from "./errors.ts";
import { type Fields, type FileInfo, type Id, decodeObject, fileInfo, num, str } from "./wire.ts";

/** What of a file is in one request: a loss costs that much again. */
const pieceBytes = 1 << 20;

/** How often a piece is tried again when the network fails. */
const triesMax = 8;

/** The wait before the next try doubles up to that. */
const retryMaxMs = 8000;

export interface UploadOptions {
  name: string;
  /** Bytes that the server has. */
  progress?: (bytes: number) => void;
  signal?: AbortSignal;
}

/** Sends and fetches the files of one user. */
export class Files {
  readonly #origin: string;
  readonly #who: () => { user: Id; token: string };

  /** origin: http://HOST:PORT or https://… */
  constructor(origin: string, who: () => { user: Id; token: string }) {
    this.#origin = origin.replace(/\/$/, "");
    this.#who = who;
  }

  /** Sends a file, piece by piece; what breaks off goes on where it was. Name the result in a message within a day. */
  async upload(file: Blob, how: UploadOptions): Promise<FileInfo> {
    const begun = await this.#json("POST", "/files", JSON.stringify({ name: how.name, bytes: file.size }), how.signal);
    const at = `/files/uploads/${str(begun, "upload")}`;
    let offset = 0;
    for (let tries = 0; offset < file.size; ) {
      try {
        const r = await this.#fetch("PATCH", at, file.slice(offset, offset + pieceBytes), { "Upload-Offset": String(offset) }, how.signal);
        offset = offsetOf(r);
        tries = 0;
        how.progress?.(offset);
      } catch (err) {
        if (how.signal?.aborted || !passes(err) || ++tries > triesMax) throw err;
        await pause(Math.min(retryMaxMs, 250 * 2 ** tries), how.signal);
        offset = await this.#fetch("HEAD", at, null, {}, how.signal).then(offsetOf, () => offset);
      }
    }
    for (let tries = 0; ; ) {
      try {
        return fileInfo(await this.#json("POST", at, null, how.signal)); // said twice it is the same
      } catch (err) {
        if (how.signal?.aborted || !passes(err) || ++tries > triesMax) throw err;
        await pause(Math.min(retryMaxMs, 250 * 2 ** tries), how.signal);
      }
    }
  }

  /** The bytes of a file that a message names, or of the smaller picture of it. */
  async get(room: Id, seq: number, file: Id, how: { thumbnail?: boolean; signal?: AbortSignal } = {}): Promise<Blob> {
    const r = await this.#fetch("GET", `/files/${room}/${seq}/${file}${how.thumbnail ? "/thumbnail" : ""}`, null, {}, how.signal);
    return r.blob();
  }

  /** Removes a file of one's own that no message names. */
  async remove(file: Id): Promise<void> {
    await this.#fetch("DELETE", `/files/${file}`, null, {});
  }

  async #json(method: string, path: string, body: string | null, signal?: AbortSignal): Promise<Fields> {
    return decodeObject(await (await this.#fetch(method, path, body, {}, signal)).text());
  }

  async #fetch(method: string, path: string, body: Blob | string | null, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
    const { user, token } = this.#who();
    const r = await fetch(this.#origin + path, {
      method,
      body,
      headers: { ...headers, Authorization: `Bearer ${user}:${token}` },
      ...(signal ? { signal } : {}),
    });
    if (r.ok) return r;
    let said: Fields;
    try {
      said = decodeObject(await r.text());
    } catch {
      said = {};
    }
    throw new ServerError(num(said, "code"), str(said, "message") || `the server answers ${r.status}`, num(said, "retryAfterMs") || num(said, "retry_after_ms"));
  }
}

/** Whether the same may go well later: the network's fault, or the server's for now. */
function passes(err: unknown): boolean {
  return err instanceof ServerError ? err.temporary || err.code === 0 : !(err instanceof ProtocolError);
}

function offsetOf(r: Response): number {
  const n = Number(r.headers.get("Upload-Offset") ?? NaN);
  if (!Number.isSafeInteger(n) || n < 0) throw new ProtocolError("the server does not say how much of the file it has");
  return n;
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
