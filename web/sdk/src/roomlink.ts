// Links by which people come into private rooms: an address of a page, with the code behind a mark.
// What stands behind # in an address is sent to no server.

/** What stands before the code in the address of a link. */
export const roomLinkMark = "#/join/";

const form = /^[A-HJ-NP-Z1-9]{4}(?:-[A-HJ-NP-Z1-9]{4}){3}$/;

/** The code of a link in what somebody has pasted: an address, or the code alone; "" if there is none. It says nothing of whether it leads anywhere. */
export function roomLinkCode(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length > 2048) return "";
  const at = trimmed.indexOf(roomLinkMark);
  const code = at < 0 ? trimmed : trimmed.slice(at + roomLinkMark.length);
  return form.test(code) ? code : "";
}
