"use strict";

// Everything that is shown is set as text, never as markup: queries and documents are strangers' words.

const SHOWN = 10;
const MOST_SECONDS = 86400;
const at = (id) => document.getElementById(id);
const client = Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("");

let secret = "";    // the key, until the page is closed
let asked = 0;      // number of the last search; an answer to an earlier one comes too late
let reading = null; // what is open now: {query, hit, seconds, since}

function make(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function say(text, failed = false) {
  at("status").textContent = text;
  at("status").classList.toggle("failed", failed);
}

// --- asking the service -----------------------------------------------------------------------------------------------

async function ask(path, body, options = {}) {
  const headers = secret ? { Authorization: `Bearer ${secret}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  let answer, told;
  try {
    answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), ...options });
    told = await answer.json();
  } catch {
    throw new Error("The service cannot be reached. Try again in a moment.");
  }
  if (answer.ok) return told;
  const error = new Error(told.error?.message ?? `The service answers ${answer.status}.`);
  error.code = told.error?.code;
  if (answer.status === 401) askForKey();
  throw error;
}

function askForKey() {
  at("key").hidden = false;
  at("secret").value = "";
  at("secret").focus();
}

async function search(query) {
  const body = { query, k: SHOWN, client_id: client };
  try {
    return await ask("search", { ...body, highlights: true });
  } catch (error) {
    if (error.code !== "no_token_vectors") throw error;
    return ask("search", body); // this model cannot tell which words are close
  }
}

async function run() {
  const query = at("query").value.trim();
  if (!query) return;
  const number = ++asked;
  const compare = at("compare").checked;
  say("Searching …");
  try {
    const answer = compare ? await ask("compare", { query, k: SHOWN }) : await search(query);
    if (number !== asked) return;
    if (compare) showBoth(answer);
    else showOne(answer, query);
  } catch (error) {
    if (number !== asked) return;
    at("results").replaceChildren();
    say(error.message, true);
    if (error.code === "no_base_vectors") {
      at("compare").checked = false;
      at("compare").disabled = true;
    }
  }
}

// --- what was found ---------------------------------------------------------------------------------------------------

function showOne(answer, query) {
  const found = answer.results;
  say(found.length ? `${found.length} articles for “${query}”` : `Nothing was found for “${query}”. Try other words.`);
  document.querySelector("main").classList.remove("wide");
  at("results").replaceChildren(list(found, answer.query_id, (hit) =>
    hit.position === 1 && hit.confidence !== null ? `answers with probability ${hit.confidence.toFixed(2)}` : ""));
}

function showBoth(answer) {
  say("What the live model finds beside the model before tuning. Nothing is recorded while you compare.");
  document.querySelector("main").classList.add("wide");
  const columns = make("div", undefined, "columns");
  const sides = [[`Live: version ${answer.version}`, answer.live, answer.base], ["Before tuning", answer.base, answer.live]];
  for (const [name, own, other] of sides) {
    const column = make("section");
    const places = new Map(other.map((hit) => [hit.id, hit.position]));
    const about = (hit) => `cosine ${hit.score.toFixed(3)}, ${placed(places.get(hit.id), other === answer.base)}`;
    column.append(make("h2", name), list(own, null, about));
    columns.append(column);
  }
  at("results").replaceChildren(columns);
}

function placed(position, before) {
  const when = before ? "before tuning" : "live";
  return position ? `${when} at place ${position}` : `${when} not among the first ${SHOWN}`;
}

function list(found, query, about) {
  const made = make("ol");
  for (const hit of found) {
    const item = make("li");
    const heading = make("h3");
    const open = make("button", hit.title || hit.id);
    open.type = "button";
    open.addEventListener("click", () => openDocument(hit, query));
    heading.append(open);
    item.append(heading, snippet(hit), make("p", [hit.id, about(hit)].filter(Boolean).join(" · "), "about"));
    made.append(item);
  }
  return made;
}

function snippet(hit) {
  const made = make("p");
  const letters = Array.from(hit.snippet ?? "The text of this article is not here."); // Python counts code points
  let done = 0;
  for (const { start, end } of hit.highlights) {
    made.append(letters.slice(done, start).join(""), make("mark", letters.slice(start, end).join("")));
    done = end;
  }
  made.append(letters.slice(done).join(""));
  return made;
}

// --- reading an article -----------------------------------------------------------------------------------------------

async function openDocument(hit, query) {
  at("title").textContent = hit.title || hit.id;
  at("text").textContent = "…";
  at("thanks").textContent = "";
  at("answered").disabled = false;
  at("verdict").hidden = !query;
  at("document").showModal();
  at("title").focus();
  reading = { query, hit, seconds: 0, since: performance.now() };
  note("click");
  try {
    const found = await ask(`document?id=${encodeURIComponent(hit.id)}`);
    if (reading?.hit === hit) at("text").textContent = found.text;
  } catch (error) {
    if (reading?.hit === hit) at("text").textContent = error.message;
  }
  at("text").scrollTop = 0;
}

function note(action, more = {}) {
  if (!reading?.query) return Promise.resolve();
  const event = { query_id: reading.query, action_name: action, object_id: reading.hit.id, client_id: client, ...more };
  const sent = ask("events", event, { keepalive: true }); // is sent though the page is closed
  if (action !== "answered") sent.catch(() => {}); // a reader cannot do anything about it
  return sent;
}

function pause() {
  if (!reading || reading.since === null) return;
  reading.seconds += (performance.now() - reading.since) / 1000;
  reading.since = null;
  note("leave", { dwell_seconds: Math.min(reading.seconds, MOST_SECONDS) });
}

async function answered() {
  at("answered").disabled = true;
  const now = reading;
  try {
    await note("answered");
    if (reading === now) at("thanks").textContent = "Thank you: this is noted.";
  } catch (error) {
    if (reading !== now) return;
    at("thanks").textContent = `It was not noted. ${error.message}`;
    at("answered").disabled = false;
  }
}

// --- what people do ---------------------------------------------------------------------------------------------------

at("search").addEventListener("submit", (event) => { event.preventDefault(); run(); });
at("compare").addEventListener("change", run);
at("key").addEventListener("submit", (event) => {
  event.preventDefault();
  secret = at("secret").value.trim();
  at("key").hidden = true;
  at("query").focus();
  run();
});
at("close").addEventListener("click", () => at("document").close());
at("document").addEventListener("click", (event) => { if (event.target === at("document")) at("document").close(); });
at("document").addEventListener("close", () => { pause(); reading = null; });
at("answered").addEventListener("click", answered);
addEventListener("pagehide", pause);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) pause();
  else if (reading) reading.since = performance.now();
});
