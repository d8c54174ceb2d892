// Signs in the browser: a contract's draft with the organisation's key, a vote with the agent's own. The key's file is
// read here, imported so that it cannot be read back, and goes nowhere. What is made is a JWS (RFC 7515) over the very
// bytes whose digest the page shows.

const encoder = new TextEncoder();
const DAY = 24 * 3600;

function base64url(bytes) {
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// RFC 8785: members in order, no space, texts and numbers as ECMAScript writes them.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

const KINDS = {
  OKP: [{ name: "Ed25519" }, { name: "Ed25519" }, "Ed25519"],
  EC: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }, "ES256"],
  RSA: [{ name: "RSA-PSS", hash: "SHA-256" }, { name: "RSA-PSS", saltLength: 32 }, "PS256"],
};
const PARTS = ["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"];

async function signed(jwk, kid, typ, payload) {
  const kind = KINDS[jwk?.kty];
  if (!kind || typeof jwk.d !== "string") throw new Error("no private key of a known kind");
  const [form, use, alg] = kind;
  const plain = Object.fromEntries(PARTS.filter((part) => part in jwk).map((part) => [part, jwk[part]]));
  const key = await crypto.subtle.importKey("jwk", plain, form, false, ["sign"]);
  const header = { alg, iat: Math.floor(Date.now() / 1000), kid, typ };
  const protectedHeader = base64url(encoder.encode(canonical(header)));
  const input = encoder.encode(`${protectedHeader}.${base64url(payload)}`);
  const signature = new Uint8Array(await crypto.subtle.sign(use, key, input));
  return { protected: protectedHeader, signature: base64url(signature), iat: header.iat };
}

async function ofContract(form, file, payload) {
  const kid = form.querySelector("[data-kid-field]").value;
  const { protected: head, signature } = await signed(file, kid, "corridor-contract", payload);
  return { protected: head, signature };
}

// What is to be done to the approved columns, as the form says it.
function demands(form, columns) {
  const found = [];
  for (const column of columns) {
    const [kind, parameter] = (form.querySelector(`[data-does="${CSS.escape(column)}"]`)?.value ?? "").split(":");
    if (kind === "drop" || kind === "pseudonymise") found.push({ kind, column });
    if (kind === "month" || kind === "year") found.push({ kind: "generalise", column, method: kind });
    if (kind === "band") found.push({ kind: "generalise", column, method: kind, width: Number(parameter) });
  }
  const rows = form.querySelector("[data-cap]").value;
  if (rows) found.push({ kind: "cap_rows", rows: Number(rows) });
  return found;
}

async function ofVote(form, file, question) {
  const reviewer = form.dataset.kid;
  if (file.agent !== reviewer) throw new Error(form.dataset.other);
  const iat = Math.floor(Date.now() / 1000);
  const vote = form.querySelector("[data-vote]:checked")?.value;
  const reason = form.querySelector("[data-reason]").value.trim();
  if (!vote || !reason) throw new Error(form.dataset.incomplete);
  const said = { ver: 1, typ: "ReviewVote", question: `sha256:${await sha256(question)}`, reviewer, vote, reason, iat };
  if (vote === "approve") {
    const columns = Array.from(form.querySelectorAll("[data-column]:checked"), (box) => box.value);
    const exp = iat + Number(form.querySelector("[data-days]").value) * DAY;
    said.conditions = { exp, columns, obligations: demands(form, columns) };
  }
  const payload = encoder.encode(canonical(said));
  const entry = await signed(file.key, reviewer, "corridor-review-vote", payload);
  if (entry.iat !== iat) return ofVote(form, file, question); // the second changed meanwhile: both say the same one
  return { payload: base64url(payload), protected: entry.protected, signature: entry.signature };
}

const SIGNED = { contract: ofContract, vote: ofVote };

for (const form of document.querySelectorAll("form[data-signing]")) {
  const verdict = form.querySelector(".verdict");
  form.querySelector("[data-with-key]").hidden = false;
  form.querySelector("[data-sign]").addEventListener("click", async () => {
    verdict.textContent = "";
    try {
      const payload = encoder.encode(document.querySelector("[data-payload]").textContent);
      const shown = document.querySelector("[data-digest]").textContent;
      if ((await sha256(payload)) !== shown) throw new Error(verdict.dataset.differs);
      const input = form.querySelector("input[type=file]");
      if (!input.files.length) throw new Error("no file");
      const entry = await SIGNED[form.dataset.signing](form, JSON.parse(await input.files[0].text()), payload);
      form.elements.entry.value = JSON.stringify(entry);
      input.value = "";
      form.submit();
    } catch (error) {
      verdict.dataset.state = "unsound";
      verdict.textContent = `✕ ${verdict.dataset.wrong} ${error.message}`;
    }
  });
}
