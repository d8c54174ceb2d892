// A certified OpenID Connect provider with a page to sign in on: node provider.mjs MODULE PORT REDIRECT_URI SECRET.
// Whoever types a name is that person; what is proved is that the gateway speaks the protocol as others do.
const [module, port, redirect, secret] = process.argv.slice(2);
const { default: Provider } = await import(module);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "corridor",
      client_secret: secret,
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  cookies: { keys: [secret] },
  pkce: { required: () => true },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
