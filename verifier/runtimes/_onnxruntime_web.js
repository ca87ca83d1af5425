// The page in which ONNX Runtime Web runs. It polls the server that it came from: posts the answer to the last command
// and is given the next one. Messages: length of the header (4 bytes, little endian), header as JSON, raw tensors.

const KINDS = {
  float32: Float32Array, float64: Float64Array, int8: Int8Array, int16: Int16Array, int32: Int32Array,
  int64: BigInt64Array, uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
  bool: Uint8Array, float16: globalThis.Float16Array ?? Uint16Array,
};
const PATH = '/lynxspec-optimized.onnx';
const FILE = 0x4c59;
const sessions = new Map();
const batches = new Map();
let ort;
let written = null;

const padded = (size) => size + (-size & 7);

function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const tensors = {};
  let at = 4 + length;
  for (const [name, kind, shape, size] of header.tensors) {
    if (!(kind in KINDS)) throw new Error(`input ${name} has the type ${kind}, which a page cannot be given`);
    tensors[name] = new ort.Tensor(kind, new KINDS[kind](buffer.slice(at, at + size)), shape);
    at += padded(size);
  }
  return [header, tensors];
}

function encode(header, tensors) {
  const listed = [];
  const bodies = [];
  for (const [name, tensor] of Object.entries(tensors)) {
    const data = tensor.data;
    if (!ArrayBuffer.isView(data)) throw new Error(`output ${name} holds ${tensor.type}, which has no bytes to hand over`);
    listed.push([name, tensor.type, tensor.dims, data.byteLength]);
    bodies.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), new Uint8Array(-data.byteLength & 7));
  }
  let words = new TextEncoder().encode(JSON.stringify({ ...header, tensors: listed }));
  const spaces = new Uint8Array(-(words.length + 4) & 7).fill(32);
  const length = new Uint8Array(new Uint32Array([words.length + spaces.length]).buffer);
  return new Blob([length, words, spaces, ...bodies]);
}

// A page has no files. Where the engine's own code is asked to write its optimized graph, it calls on the system, which
// answers nothing; here one file is answered for. The engine's binary is untouched, and nothing is answered for
// unless a session asks to write that one path.
function offerOneFile(imports) {
  const calls = imports.a ?? imports.env;
  const memory = Object.values(calls).find((value) => value instanceof WebAssembly.Memory);
  if (!memory) return;
  const text = (at) => {
    const bytes = new Uint8Array(memory.buffer);
    let end = at >>> 0;
    while (bytes[end] && end - at < PATH.length + 1) end += 1;
    return String.fromCharCode(...bytes.slice(at >>> 0, end));
  };
  for (const [name, call] of Object.entries(calls)) {
    if (typeof call !== 'function') continue;
    calls[name] = (...given) => {
      if (written === null) return call(...given);
      // openat(directory -100 "here", path, flags, more) of Linux
      if (given.length === 4 && given[0] === -100 && text(given[1]) === PATH) return FILE;
      if (given[0] !== FILE) return call(...given);
      // fd_write(file, vectors, their number, where to say how many bytes) of WASI preview 1
      if (given.length === 4 && given.every((value) => typeof value === 'number')) {
        const view = new DataView(memory.buffer);
        let total = 0;
        for (let i = 0; i < given[2]; i += 1) {
          const at = view.getUint32((given[1] >>> 0) + 8 * i, true);
          const size = view.getUint32((given[1] >>> 0) + 8 * i + 4, true);
          written.push(new Uint8Array(memory.buffer).slice(at, at + size));
          total += size;
        }
        view.setUint32(given[3] >>> 0, total, true);
      }
      return 0;
    };
  }
}

function watch() {
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    WebAssembly[name] = (source, imports) => {
      if (imports) offerOneFile(imports);
      return original.call(WebAssembly, source, imports);
    };
  }
}

async function start({ script, threads, provider, empty, watched }) {
  if (watched) watch(); // only where nothing is timed: the detour costs time
  ort = await import(`./dist/${script}`);
  ort.env.logLevel = 'error';
  ort.env.wasm.wasmPaths = new URL('dist/', location.href).href;
  if (threads) ort.env.wasm.numThreads = threads;
  // the engine loads its binary with the first session: one that does nothing, so that it is there before any model
  const bytes = Uint8Array.from(atob(empty), (letter) => letter.charCodeAt(0));
  await (await ort.InferenceSession.create(bytes, { executionProviders: [provider] })).release();
  const engine = ort.env.versions?.web ?? '';
  return { engine, threads: ort.env.wasm.numThreads ?? null };
}

async function open({ id, file, options, optimized }) {
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(`the model could not be fetched: ${answer.status}`);
  written = optimized ? [] : null;
  try {
    const session = await ort.InferenceSession.create(
      new Uint8Array(await answer.arrayBuffer()),
      optimized ? { ...options, optimizedModelFilePath: PATH } : options,
    );
    sessions.set(id, session);
    const bytes = optimized ? new Uint8Array(await new Blob(written).arrayBuffer()) : new Uint8Array(0);
    const graph = optimized ? { optimized: new ort.Tensor('uint8', bytes, [bytes.length]) } : {};
    return [{ inputs: session.inputNames, outputs: session.outputNames }, graph];
  } finally {
    written = null;
  }
}

function sized(outputs) {
  const found = {};
  for (const [name, tensor] of Object.entries(outputs)) found[name] = tensor.data.byteLength;
  return found;
}

function kept(outputs, wanted) {
  return Object.fromEntries(wanted.map((name) => [name, outputs[name]]));
}

// All loops below await each call, as a page must; none of them does anything else between two calls but look at the
// clock, except that the timed one keeps the outputs of the calls that were drawn beforehand.
async function timed(call, feeds, { order, seconds, draws, wanted }) {
  const ends = [];
  const durations = [];
  const places = new Map();
  let drawn = 0;
  let next = draws.length ? draws[0][0] : -1;
  const start = performance.now();
  const deadline = start + seconds * 1000;
  for (let seen = 0; ; seen += 1) {
    const index = order[seen % order.length];
    const began = performance.now();
    const outputs = await call(feeds[index]);
    const end = performance.now();
    ends.push(end - start);
    durations.push(end - began);
    if (seen === next) {
      places.set(draws[drawn][1], [index, kept(outputs, wanted)]);
      drawn += 1;
      next = drawn < draws.length ? draws[drawn][0] : -1;
    }
    if (end >= deadline) break;
  }
  const tensors = {
    ends: new ort.Tensor('float64', Float64Array.from(ends), [ends.length]),
    durations: new ort.Tensor('float64', Float64Array.from(durations), [durations.length]),
  };
  const indices = [];
  for (const [place, [index, outputs]] of places) {
    indices.push([place, index]);
    for (const name of wanted) tensors[`${place}/${name}`] = outputs[name];
  }
  return [{ calls: ends.length, elapsed: ends[ends.length - 1], kept: indices }, tensors];
}

async function bare(call, feeds, { order, seconds }) {
  const start = performance.now();
  const deadline = start + seconds * 1000;
  let calls = 0;
  let now;
  do {
    await call(feeds[order[calls % order.length]]);
    calls += 1;
    now = performance.now();
  } while (now < deadline);
  return [{ calls, elapsed: now - start }, {}];
}

async function lay({ id, count }, tensors) {
  const feeds = Array.from({ length: count }, () => ({}));
  for (const [name, tensor] of Object.entries(tensors)) {
    const slash = name.indexOf('/');
    feeds[Number(name.slice(0, slash))][name.slice(slash + 1)] = tensor;
  }
  batches.set(id, feeds);
  return [{ sizes: sized(await sessions.get(id).run(feeds[0])) }, {}];
}

const nothing = async () => ({});

async function work(command, tensors) {
  const session = sessions.get(command.id);
  switch (command.do) {
    case 'start':
      return [await start(command), {}];
    case 'open':
      return open(command);
    case 'run':
      return [{}, await session.run(tensors)];
    case 'now':
      return [{ now: performance.now() }, {}];
    case 'lay':
      return lay(command, tensors);
    case 'loop': {
      const call = command.loop === 'idle' ? nothing : (feeds) => session.run(feeds);
      const loop = command.loop === 'bare' ? bare : timed;
      return loop(call, batches.get(command.id), command);
    }
    case 'release':
      for (const id of command.ids) {
        batches.delete(id);
        await sessions.get(id)?.release();
        sessions.delete(id);
      }
      return [{}, {}];
    default:
      throw new Error(`unknown command ${command.do}`);
  }
}

async function browser() {
  const values = await navigator.userAgentData?.getHighEntropyValues(['fullVersionList']).catch(() => null);
  const brands = (values?.fullVersionList ?? []).filter((entry) => !entry.brand.startsWith('Not'));
  return brands.map((entry) => `${entry.brand} ${entry.version}`).join(', ') || navigator.userAgent;
}

async function adapters() {
  const canvas = document.createElement('canvas').getContext('webgl2');
  const about = canvas?.getExtension('WEBGL_debug_renderer_info');
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  const info = adapter?.info;
  return {
    webgl: about ? canvas.getParameter(about.UNMASKED_RENDERER_WEBGL) : canvas ? 'unknown' : null,
    webgpu: info ? [info.vendor, info.architecture, info.description].filter(Boolean).join(' ') || 'unknown' : null,
    webgpuFallback: Boolean(info?.isFallbackAdapter),
  };
}

fetch('alive').catch(() => {});
let answer = encode(
  { isolated: crossOriginIsolated, processors: navigator.hardwareConcurrency, browser: await browser(), ...(await adapters()) },
  {},
);
for (;;) {
  const response = await fetch('next', { method: 'POST', body: answer });
  try {
    const [command, tensors] = decode(await response.arrayBuffer());
    answer = encode(...(await work(command, tensors)));
  } catch (error) {
    answer = encode({ error: String(error?.message ?? error) }, {});
  }
}
