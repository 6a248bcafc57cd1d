// Asks this browser for a passkey and hands the answer to the node.
//
// A form with data-passkey is hidden until the browser can do it. "create" makes a passkey, "get"
// uses one; data-begin is where the question comes from, action where the answer goes. Whatever
// else is in the form is sent along with both.

const fromText = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
};

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const named = (each) => ({ ...each, id: fromText(each.id) });

const asked = (kind, question) => {
  const publicKey = { ...question, challenge: fromText(question.challenge) };
  if (kind === "create") {
    publicKey.user = { ...question.user, id: fromText(question.user.id) };
    publicKey.excludeCredentials = (question.excludeCredentials ?? []).map(named);
    return navigator.credentials.create({ publicKey });
  }
  publicKey.allowCredentials = question.allowCredentials.map(named);
  return navigator.credentials.get({ publicKey });
};

const answered = (found) => {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
    if (found.response[part]) response[part] = toText(found.response[part]);
  }
  return JSON.stringify({ id: found.id, rawId: found.id, type: found.type, response });
};

const post = async (path, fields) => {
  const reply = await fetch(path, { method: "POST", body: fields, redirect: "error" });
  return reply.json();
};

class Refused extends Error {}

const told = (said) => {
  if (said.error) {
    throw new Refused([said.error.what, said.error.means, said.error.do].filter(Boolean).join(" "));
  }
  return said;
};

const run = async (form, fields) => {
  const question = told(await post(form.dataset.begin, fields));
  if (question.next) return question.next;
  fields.append("answer", answered(await asked(form.dataset.passkey, question)));
  return told(await post(form.getAttribute("action"), fields)).next;
};

const submitted = async (form, submitter) => {
  const output = form.querySelector("output");
  const fields = new URLSearchParams(new FormData(form, submitter));
  output.textContent = "";
  form.setAttribute("aria-busy", "true");
  try {
    location.assign(await run(form, fields));
  } catch (error) {
    const refused = error instanceof Refused;
    output.lang = refused ? "en" : document.documentElement.lang;
    output.textContent = refused ? error.message : form.dataset.failed;
  } finally {
    form.removeAttribute("aria-busy");
  }
};

if (window.isSecureContext && window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!form.hasAttribute("aria-busy")) submitted(form, event.submitter);
    });
  }
  for (const each of document.querySelectorAll("[data-without-passkey]")) each.hidden = true;
}
