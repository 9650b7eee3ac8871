// Types a recorded trace (tests/replay/trace.h) with yjs, in memory: one document for each agent, each
// of which has what the trace's author had, and one that takes every update, as another screen does.
// A sequential trace has one agent. Prints one line of JSON; ends with 1 when the text is not the trace's.
//
//     node replay.mjs FILE.json.gz
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as Y from 'yjs'

const trace = JSON.parse(gunzipSync(readFileSync(process.argv[2])))
const agents = trace.kind === 'concurrent' ? trace.numAgents : 1
const screen = new Y.Doc()
const made = [] // by txn: the updates it made
let logged = 0, keystrokes = 0, updates = 0

class Agent {
  constructor() {
    this.doc = new Y.Doc()
    this.text = this.doc.getText('t')
    this.has = new Set()
    this.out = null
    this.doc.on('update', (update, origin) => { if (origin !== 'came') this.out?.push(update) })
  }
  // What the author had: the parents, and all behind them.
  receive(parents) {
    const wanted = [], open = [...parents]
    while (open.length > 0) {
      const txn = open.pop()
      if (this.has.has(txn)) continue
      this.has.add(txn)
      wanted.push(txn)
      open.push(...trace.txns[txn].parents)
    }
    wanted.sort((a, b) => a - b)
    for (const txn of wanted) for (const update of made[txn]) Y.applyUpdate(this.doc, update, 'came')
  }
}

const people = Array.from({ length: agents }, () => new Agent())
const start = process.hrtime.bigint()
trace.txns.forEach((txn, number) => {
  const agent = people[txn.agent ?? 0]
  if (txn.parents) agent.receive(txn.parents)
  agent.out = []
  for (const [at, removed, inserted] of txn.patches) {
    keystrokes++
    agent.doc.transact(() => {
      if (removed > 0) agent.text.delete(at, removed)
      if (inserted) agent.text.insert(at, inserted)
    })
  }
  agent.has.add(number)
  made.push(agents > 1 ? agent.out : [])
  for (const update of agent.out) {
    updates++
    logged += update.length
    Y.applyUpdate(screen, update, 'came')
  }
})
const seconds = Number(process.hrtime.bigint() - start) / 1e9
const text = screen.getText('t').toString()
const document = Y.encodeStateAsUpdate(screen).length
console.log(JSON.stringify({ keystrokes, seconds, updates, logged, document, textBytes: Buffer.byteLength(text) }))
process.exit(text === trace.endContent ? 0 : 1)
