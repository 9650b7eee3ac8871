// What the programs of this folder share: README.md.
import { createInterface } from "node:readline";
import { ChangeSet, Text } from "@codemirror/state";

const pieces = ["a", "b", "word ", "\n", "\r\n", "\r", "😀", "👩‍👩‍👧", "e\u0301", "ø", "漢", "\u200d", "\u{10ffff}", "\n\n"];

// mulberry32: small, and the same everywhere.
function randomFrom(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) % below;
  };
}

export function someText(random, most) {
  let text = "";
  for (let n = random(most + 1); n > 0; n--) text += pieces[random(pieces.length)];
  return text;
}

// Text.of() takes lines as they are; only \n parts them here.
export const toDoc = (text) => Text.of(text.split("\n"));
export const toText = (doc) => doc.sliceString(0, doc.length, "\n");

// Places between characters, so that no pair of surrogates is cut.
export function boundaries(text) {
  const found = [0];
  for (const character of text) found.push(found[found.length - 1] + character.length);
  return found;
}

// The texts that it inserts are those that `some` makes.
export function someChanges(random, text, some = someText) {
  const places = boundaries(text);
  const specs = [];
  let at = 0;
  while (at < places.length) {
    at += random(4);
    if (at >= places.length) break;
    const to = Math.min(at + (random(2) ? 0 : random(5)), places.length - 1);
    const insert = random(3) ? some(random, 3) : "";
    specs.push({ from: places[at], to: places[to], insert: toDoc(insert) });
    at = to + random(2);
    if (to === places.length - 1) break;
  }
  return ChangeSet.of(specs, text.length);
}

function make(seed, count, makeCase) {
  const random = randomFrom(seed);
  const lines = [];
  for (let n = 0; n < count; n++) {
    lines.push(JSON.stringify(makeCase(random)));
    if (lines.length === 1000) process.stdout.write(lines.splice(0).join("\n") + "\n");
  }
  if (lines.length) process.stdout.write(lines.join("\n") + "\n");
}

async function check(answers) {
  let count = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    const given = JSON.parse(line);
    const wanted = answers(given);
    count++;
    for (const key of Object.keys(wanted)) {
      if (JSON.stringify(wanted[key]) === JSON.stringify(given[key])) continue;
      console.error(`case ${count}: ${key} differs: CodeMirror has ${JSON.stringify(wanted[key])}\n${line}`);
      process.exit(1);
    }
  }
  console.log(`${count} cases agree`);
  if (count === 0) process.exit(1);
}

// `makeCase(random)` gives a whole case, `answers(given)` what a case that was given comes to.
export async function main(name, makeCase, answers) {
  const [command, seed, count] = process.argv.slice(2);
  if (command === "make" && Number(count) > 0) make(Number(seed), Number(count), makeCase);
  else if (command === "check") await check(answers);
  else {
    console.error(`usage: ${name} make SEED COUNT | ${name} check`);
    process.exit(2);
  }
}
