// Signs a contract's draft in the browser: the key's file is read here, imported so that it cannot be read back, and goes
// nowhere. What is signed is a JWS (RFC 7515) over the very bytes whose digest the page shows.

const encoder = new TextEncoder();

function base64url(bytes) {
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function imported(file) {
  const jwk = JSON.parse(await file.text());
  const kinds = {
    OKP: [{ name: "Ed25519" }, { name: "Ed25519" }, "Ed25519"],
    EC: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }, "ES256"],
  };
  const kind = kinds[jwk.kty];
  if (!kind || typeof jwk.d !== "string") throw new Error("no private Ed25519 or ES256 key");
  const [form, use, alg] = kind;
  const plain = { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, d: jwk.d };
  return { alg, use, key: await crypto.subtle.importKey("jwk", plain, form, false, ["sign"]) };
}

async function signed(file, kid, payload) {
  const { alg, use, key } = await imported(file);
  // RFC 8785: members in order, no space.
  const header = { alg, iat: Math.floor(Date.now() / 1000), kid, typ: "corridor-contract" };
  const protectedHeader = base64url(encoder.encode(JSON.stringify(header)));
  const input = encoder.encode(`${protectedHeader}.${base64url(payload)}`);
  const signature = new Uint8Array(await crypto.subtle.sign(use, key, input));
  return { protected: protectedHeader, signature: base64url(signature) };
}

for (const form of document.querySelectorAll("form[data-signing]")) {
  const place = form.querySelector("[data-with-key]");
  const verdict = form.querySelector(".verdict");
  place.hidden = false;
  form.querySelector("[data-sign]").addEventListener("click", async () => {
    verdict.textContent = "";
    try {
      const payload = encoder.encode(document.querySelector("[data-payload]").textContent);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", payload));
      const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
      if (hex !== document.querySelector("[data-digest]").textContent) throw new Error(verdict.dataset.differs);
      const [file] = form.querySelector("input[type=file]").files;
      if (!file) throw new Error("no file");
      const kid = form.querySelector("[data-kid-field]").value;
      form.elements.entry.value = JSON.stringify(await signed(file, kid, payload));
      form.querySelector("input[type=file]").value = "";
      form.submit();
    } catch (error) {
      verdict.dataset.state = "unsound";
      verdict.textContent = `✕ ${verdict.dataset.wrong} ${error.message}`;
    }
  });
}
