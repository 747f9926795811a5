// Makes the pictures of the README and of docs/page.md: a conversation, on a desk and a phone.
import { join } from "node:path";
import { Person, Server, here, launch, phone } from "./rig.mjs";

const out = join(here, "../../docs");
const server = await new Server().run();
const browser = await launch();
try {
  const ann = await Person.come(browser, server, "Ann", { viewport: { width: 1200, height: 760 } });
  for (const room of ["dev", "garden", "music"]) await ann.make(room);
  await ann.make("council", true);
  await ann.make("사랑방");
  const minji = await Person.come(browser, server, "민지", { viewport: phone, locale: "ko-KR", deviceScaleFactor: 2, room: "사랑방" });
  const omar = await Person.come(browser, server, "عمر", { room: "사랑방" });
  for (const p of [minji, omar]) await p.page.waitForSelector("#composer");
  const script = [
    [minji, "어서 오세요, 앤! 차 한 잔 하실래요? 🍵"],
    [ann, "Thank you, @민지. Is this the room where everybody meets?"],
    [minji, "네, 여기가 사랑방이에요. 손님을 맞고 이야기하는 방이라는 뜻입니다."],
    [ann, "So a room of **guests**. I like that."],
    [omar, "مرحبا بالجميع! هل يمكنني الانضمام؟"],
    [minji, "그럼요, 환영합니다 @عمر 🙂"],
    [ann, "By the way, this is all that it takes:\n```\n$ make run\nlistening http://127.0.0.1:7780\n```"],
  ];
  for (const [i, [p, text]] of script.entries()) {
    await p.say(text);
    await p.page.locator(".unsent").waitFor({ state: "detached" });
    await ann.page.waitForFunction((n) => document.querySelectorAll(".msg:not(.unsent)").length === n, i + 1);
  }
  await minji.page.waitForFunction((n) => document.querySelectorAll(".msg:not(.unsent)").length === n, script.length);
  await omar.page.evaluate(() => (location.hash = "#/garden"));
  await omar.page.locator(".room h1", { hasText: "garden" }).waitFor();
  await omar.say("The first tomatoes are ripe.");
  await ann.page.locator(".side .badge").waitFor();
  await ann.page.mouse.move(0, 0);
  await ann.page.screenshot({ path: join(out, "page.png") });
  await minji.page.emulateMedia({ colorScheme: "dark" });
  await minji.page.screenshot({ path: join(out, "page-phone.png"), scale: "css" });
} finally {
  await browser.close();
  await server.end();
}
