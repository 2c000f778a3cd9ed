// Reads an AsyncAPI document from stdin; writes what is the matter with it as JSON, one line each.
const { Parser } = require("@asyncapi/parser");

const HINT = 2; // informations and hints below it are taste

async function main() {
  let text = "";
  for await (const part of process.stdin) text += part;
  const { document, diagnostics } = await new Parser().parse(text);
  for (const each of diagnostics.filter((found) => found.severity < HINT)) {
    console.log(JSON.stringify({ message: each.message, path: each.path.join("/") }));
  }
  if (document) {
    console.error(`${document.channels().all().length} ${document.operations().all().length}`);
  }
}

main();
