import { useEffect, useState } from "preact/hooks";
import { Code } from "sarang-client";
import { framed } from "./framed.ts";
import { app } from "./app.ts";
import { type Language, language, languages, setLanguage, t } from "./i18n.ts";
import { House } from "./icons.tsx";

export function Login() {
  const [name, setName] = useState("");
  const [secret, setSecret] = useState(false);
  const [password, setPassword] = useState("");
  const [register, setRegister] = useState(false);
  const [invitation, setInvitation] = useState("");
  const error = app.loginError.value;
  const code = app.loginCode.value;
  useEffect(() => {
    if (code === Code.needsPassword) setSecret(true); // the server takes no guests
  }, [code]);
  return (
    <main class="login" id="main">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (!name.trim() || (secret && !password)) return;
          void app.enter(name.trim(), undefined, secret ? { password, ...(register ? { register, invitation: invitation.trim() } : {}) } : {});
        }}
      >
        <div class="door"><House /></div>
        <h1>Sarang</h1>
        <p class="tagline">{app.byLink.value ? t().comeByLink : t().tagline}</p>
        <label for="name">{t().yourName}</label>
        <input
          id="name"
          dir="auto"
          autofocus={!framed}
          autocomplete={secret ? "username" : "nickname"}
          autocapitalize="off"
          spellcheck={false}
          maxLength={64}
          value={name}
          aria-describedby="name-hint"
          aria-invalid={!!error}
          onInput={(e) => setName(e.currentTarget.value)}
        />
        <p id="name-hint" class={error ? "hint error" : "hint"} role={error ? "alert" : undefined}>{error || t().nameHint}</p>
        {secret && (
          <>
            <label for="password" class="next">{t().password}</label>
            <input
              id="password"
              type="password"
              class="text"
              autocomplete={register ? "new-password" : "current-password"}
              value={password}
              onInput={(e) => setPassword(e.currentTarget.value)}
            />
            <label class="check">
              <input type="checkbox" checked={register} onChange={(e) => setRegister(e.currentTarget.checked)} />
              <span>{t().makeAccount}</span>
            </label>
            {register && (
              <>
                <p class="hint">{t().passwordHint(8)}</p>
                <label for="invitation" class="next">{t().invitationCode}</label>
                <input id="invitation" autocomplete="off" spellcheck={false} value={invitation} onInput={(e) => setInvitation(e.currentTarget.value)} />
              </>
            )}
          </>
        )}
        <button type="submit" class="primary" disabled={!name.trim() || (secret && !password) || app.entering.value}>{app.entering.value ? t().entering : t().enter}</button>
        <button type="button" class="quiet" onClick={() => setSecret(!secret)}>{secret ? t().withoutPassword : t().withPassword}</button>
      </form>
      <p class="languages">
        {(Object.keys(languages) as Language[]).map((l) => (
          <button key={l} type="button" lang={l} aria-pressed={language.value === l} onClick={() => setLanguage(l)}>{languages[l]}</button>
        ))}
      </p>
    </main>
  );
}
