// Files: those that go along with what is written, and those that messages name.
import { type Signal, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { type FileInfo, Files } from "sarang-client";
import { app, sentence } from "./app.ts";
import { bytes, t } from "./i18n.ts";
import { Clip, Cross } from "./icons.tsx";
import { Modal, Title } from "./modal.tsx";
import type { RoomModel } from "./room.ts";

/** A file on its way. */
export interface Attachment {
  readonly name: string;
  readonly bytes: number;
  readonly sent: number;
  readonly file: FileInfo | null; // it is there
  readonly error: string;
  readonly stop: AbortController;
}

const attached = new WeakMap<RoomModel, Signal<readonly Attachment[]>>();

/** What goes along with the next message in a room. */
export function attachments(room: RoomModel): Signal<readonly Attachment[]> {
  let s = attached.get(room);
  if (!s) attached.set(room, (s = signal([])));
  return s;
}

function files(): Files {
  return new Files(location.origin, () => ({ user: app.user.value, token: app.client.value?.token ?? "" }));
}

export function takesFiles(room: RoomModel): boolean {
  return !room.info.value.ephemeral && (app.client.value?.self?.limits.fileBytesMax ?? 0) > 0;
}

/** Sends files, as many as a message may name. */
export function attach(room: RoomModel, all: Iterable<File>): void {
  const limits = app.client.value?.self?.limits;
  if (!limits || !takesFiles(room)) return;
  const list = attachments(room);
  for (const f of all) {
    if (list.value.length >= limits.filesPerMessageMax) return app.tell(t().tooManyFiles(limits.filesPerMessageMax));
    if (f.size > limits.fileBytesMax) {
      app.tell(t().fileTooLarge(f.name, bytes(limits.fileBytesMax)));
      continue;
    }
    const stop = new AbortController();
    let a: Attachment = { name: f.name, bytes: f.size, sent: 0, file: null, error: "", stop };
    list.value = [...list.value, a];
    const change = (how: Partial<Attachment>) => {
      const next = { ...a, ...how };
      list.value = list.value.map((x) => (x === a ? next : x));
      a = next;
    };
    files()
      .upload(f, { name: f.name, signal: stop.signal, progress: (sent) => change({ sent }) })
      .then(
        (file) => (stop.signal.aborted ? void files().remove(file.id).catch(() => {}) : change({ file, sent: f.size })),
        (err: unknown) => {
          if (!stop.signal.aborted) change({ error: sentence(err) });
        },
      );
  }
}

function detach(room: RoomModel, a: Attachment): void {
  a.stop.abort();
  if (a.file) void files().remove(a.file.id).catch(() => {});
  const list = attachments(room);
  list.value = list.value.filter((x) => x !== a);
}

/** Takes what is there for a message. */
export function takeFiles(room: RoomModel): FileInfo[] {
  const list = attachments(room);
  const there = list.value.flatMap((a) => (a.file ? [a.file] : []));
  list.value = [];
  return there;
}

export function AttachButton({ room }: { room: RoomModel }) {
  if (!takesFiles(room)) return null;
  return (
    <label class="ghost attach" title={t().attach}>
      <Clip />
      <input
        type="file"
        multiple
        aria-label={t().attach}
        onChange={(e) => {
          attach(room, e.currentTarget.files ?? []);
          e.currentTarget.value = "";
        }}
      />
    </label>
  );
}

/** What goes along, with how far it is. */
export function Attachments({ room }: { room: RoomModel }) {
  const all = attachments(room).value;
  if (all.length === 0) return null;
  return (
    <ul class="attachments" aria-label={t().attached}>
      {all.map((a, i) => (
        <li key={i} class={a.error ? "failed" : ""}>
          <span class="what"><bdi>{a.name}</bdi><small>{a.error || (a.file ? bytes(a.file.bytes) : t().uploading(bytes(a.sent), bytes(a.bytes)))}</small></span>
          {!a.file && !a.error && <progress max={a.bytes || 1} value={a.sent} aria-label={a.name} />}
          <button type="button" class="ghost" aria-label={t().detach(a.name)} onClick={() => detach(room, a)}><Cross /></button>
        </li>
      ))}
    </ul>
  );
}

/** Pictures that were fetched, by what they are, the newest last. */
const pictures = new Map<string, string>();
const picturesMax = 100;

async function picture(room: RoomModel, seq: number, file: string, thumbnail: boolean): Promise<string> {
  const key = `${room.id} ${seq} ${file} ${thumbnail}`;
  const known = pictures.get(key);
  if (known) return known;
  const url = URL.createObjectURL(await files().get(room.id, seq, file, { thumbnail }));
  pictures.set(key, url);
  for (const [old, was] of pictures) {
    if (pictures.size <= picturesMax) break;
    pictures.delete(old);
    URL.revokeObjectURL(was);
  }
  return url;
}

export const opened = signal<{ room: RoomModel; seq: number; file: FileInfo } | null>(null);

/** The files of a message. */
export function FilesOf({ room, seq, files: all }: { room: RoomModel; seq: number; files: readonly FileInfo[] }) {
  return (
    <div class="files">
      {all.map((f) => (f.thumbnail ? <Picture key={f.id} room={room} seq={seq} file={f} /> : <Download key={f.id} room={room} seq={seq} file={f} />))}
    </div>
  );
}

/** Sides of a smaller picture, at most: its place is kept before it is there. */
const sideMax = 320;

function Picture({ room, seq, file }: { room: RoomModel; seq: number; file: FileInfo }) {
  const [src, setSrc] = useState("");
  useEffect(() => {
    let here = true;
    picture(room, seq, file.id, true).then((url) => here && setSrc(url), () => {});
    return () => {
      here = false;
    };
  }, [file.id, seq]);
  const scale = Math.min(1, sideMax / Math.max(file.width, file.height, 1));
  return (
    <button
      type="button"
      class="picture"
      aria-label={t().showPicture(file.name)}
      onClick={() => {
        opened.value = { room, seq, file };
        app.dialog.value = "picture";
      }}
    >
      {/* A place of the same size, while it comes. */}
      <img src={src || undefined} alt={file.name} width={Math.max(1, Math.round(file.width * scale))} height={Math.max(1, Math.round(file.height * scale))} />
    </button>
  );
}

async function save(room: RoomModel, seq: number, file: FileInfo): Promise<void> {
  try {
    const url = URL.createObjectURL(await files().get(room.id, seq, file.id));
    const a = document.createElement("a");
    a.href = url;
    a.download = file.name;
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (err) {
    app.tell(sentence(err));
  }
}

function Download({ room, seq, file }: { room: RoomModel; seq: number; file: FileInfo }) {
  return (
    <button type="button" class="download" onClick={() => void save(room, seq, file)}>
      <Clip />
      <span><bdi>{file.name}</bdi><small>{bytes(file.bytes)}</small></span>
      <span class="sr">{t().save}</span>
    </button>
  );
}

/** A picture as it was sent. */
export function OpenPicture() {
  const [src, setSrc] = useState("");
  const it = opened.value;
  useEffect(() => {
    if (it) picture(it.room, it.seq, it.file.id, false).then(setSrc, (err: unknown) => app.tell(sentence(err)));
  }, []);
  if (!it) return null;
  return (
    <Modal label={it.file.name} className="picture-dialog">
      <Title text={it.file.name} />
      <div class="sheet">
        <img src={src || undefined} alt={it.file.name} width={it.file.width} height={it.file.height} />
        <div class="row"><button type="button" class="primary" onClick={() => void save(it.room, it.seq, it.file)}>{t().save}</button></div>
      </div>
    </Modal>
  );
}
