// The page within another one, which says who is there. Which pages may do so is the server's matter:
// browsers show it in no others (frame-ancestors).

export interface Visitor {
  readonly jwt: string;
  readonly name: string;
}

/** Whether there is a page around this one. */
export const framed = parent !== self;

/** Asks the page around for who is there, and says what it answers, once. */
export function visitor(take: (v: Visitor) => void): void {
  let asked = true;
  addEventListener("message", (e: MessageEvent<unknown>) => {
    const m = e.data as { sarang?: unknown; jwt?: unknown; name?: unknown } | null;
    if (!asked || e.source !== parent || m?.sarang !== "enter" || typeof m.jwt !== "string" || typeof m.name !== "string") return;
    asked = false;
    take({ jwt: m.jwt, name: m.name });
  });
  parent.postMessage({ sarang: "ready" }, "*"); // it says nothing but that
}

/** Of whom a token (JWT) speaks; it is the server that checks it. */
export function subjectOf(jwt: string): string {
  try {
    const [, body = ""] = jwt.split(".");
    const { iss, sub } = JSON.parse(atob(body.replace(/-/g, "+").replace(/_/g, "/"))) as { iss?: unknown; sub?: unknown };
    return typeof sub === "string" ? `${String(iss)} ${sub}` : "";
  } catch {
    return "";
  }
}
