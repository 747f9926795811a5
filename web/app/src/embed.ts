// A room in a corner of somebody's page:
//
//   <script src="https://chat.example.org/embed.js" data-room="help" data-jwt="…"></script>
//
// It puts the chat into a frame behind itself. The token (JWT) says who the visitor is; it goes to
// the chat's own origin only, and never into an address. Without one he comes as a guest.
// data-width and data-height are those of the frame.
const script = document.currentScript as HTMLScriptElement;
const { room = "", jwt = "", name = "", width = "360px", height = "520px" } = script.dataset;
const home = new URL(script.src).origin;

const frame = document.createElement("iframe");
frame.title = script.dataset["title"] ?? "Chat";
frame.style.cssText = "border: 1px solid #8884; border-radius: 12px";
frame.style.width = width;
frame.style.height = height;
frame.allow = "clipboard-write";
frame.src = `${home}/${room ? `#/${encodeURIComponent(room)}` : ""}`;

addEventListener("message", (e) => {
  if (e.source !== frame.contentWindow || e.origin !== home || (e.data as { sarang?: unknown } | null)?.sarang !== "ready") return;
  frame.contentWindow!.postMessage({ sarang: "enter", jwt, name }, home);
});
script.after(frame);

export {};
