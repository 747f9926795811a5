import { useState } from "preact/hooks";
import { app } from "./app.ts";
import { type Language, language, languages, setLanguage, t } from "./i18n.ts";
import { House } from "./icons.tsx";

export function Login() {
  const [name, setName] = useState("");
  const error = app.loginError.value;
  return (
    <main class="login" id="main">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (name.trim()) void app.enter(name.trim());
        }}
      >
        <div class="door"><House /></div>
        <h1>Sarang</h1>
        <p class="tagline">{t().tagline}</p>
        <label for="name">{t().yourName}</label>
        <input
          id="name"
          dir="auto"
          autofocus
          autocomplete="nickname"
          autocapitalize="off"
          spellcheck={false}
          maxLength={64}
          value={name}
          aria-describedby="name-hint"
          aria-invalid={!!error}
          onInput={(e) => setName(e.currentTarget.value)}
        />
        <p id="name-hint" class={error ? "hint error" : "hint"} role={error ? "alert" : undefined}>{error || t().nameHint}</p>
        <button type="submit" class="primary" disabled={!name.trim() || app.entering.value}>{app.entering.value ? t().entering : t().enter}</button>
      </form>
      <p class="languages">
        {(Object.keys(languages) as Language[]).map((l) => (
          <button key={l} type="button" lang={l} aria-pressed={language.value === l} onClick={() => setLanguage(l)}>{languages[l]}</button>
        ))}
      </p>
    </main>
  );
}
