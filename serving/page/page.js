"use strict";
// The page of the service: it asks /translate while you type, and shows what the answer's details say.

const PAUSE = 400; // ms without a key before it asks
const FAIR = 0.75, POOR = 0.4; // below these a word counts as less sure
const element = id => document.getElementById(id);
let pairs = [], timer = 0, asking = null;

function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), {textContent: text}, properties);
}

async function ask(path, fields, signal) {
  const options = fields && {
    method: "POST", signal, headers: {"Content-Type": "application/json"}, body: JSON.stringify(fields),
  };
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error || answer.statusText);
  return content;
}

// The words of a text, punctuation with the word before it; also where no spaces stand between words.
function cut(text) {
  const words = [];
  for (const {segment, index, isWordLike} of new Intl.Segmenter(element("target").lang, {granularity: "word"}).segment(text)) {
    const last = words.at(-1);
    if (!segment.trim()) continue;
    if (last && last.end === index && !isWordLike) {
      last.text += segment;
      last.end += segment.length;
    } else words.push({text: segment, start: index, end: index + segment.length});
  }
  return words;
}

// The words of an output with their characters and how sure the model is of each: the least sure piece decides.
function wordsOf(output) {
  const words = cut(output.text).map(word => ({...word, sure: 1}));
  let at = 0; // characters that the pieces have spelt
  output.pieces.forEach((piece, number) => {
    const length = piece.replaceAll("▁", " ").length;
    const middle = at + length / 2 - (output.pieces[0].startsWith("▁") ? 1 : 0);
    const word = words.find(one => middle >= one.start - 1 && middle <= one.end);
    if (word) word.sure = Math.min(word.sure, Math.exp(output.log_probs[number]));
    at += length;
  });
  return words;
}

// What else may stand in the place of a word: the next word of other outputs that begin alike.
function alternativesOf(outputs, words, place) {
  const before = outputs[0].text.slice(0, words[place].start);
  const found = outputs.slice(1).filter(other => other.text.startsWith(before))
    .map(other => cut(other.text)[place]?.text).filter(text => text && text !== words[place].text);
  return [...new Set(found)];
}

function showWord(button, sentence, words, place) {
  for (const other of document.querySelectorAll("output button")) other.setAttribute("aria-pressed", other === button);
  const word = words[place];
  const panel = element("word");
  panel.hidden = false;
  panel.querySelector("h3").textContent = `${word.text}: ${Math.round(100 * word.sure)} % sure`;
  const others = alternativesOf(sentence.outputs, words, place);
  panel.querySelector("ul").replaceChildren(
    ...(others.length ? others : ["no other word was considered here"]).map(text => make("li", text)));
  const read = element("read"), parts = [];
  let at = 0;
  // the service counts characters, JavaScript halves of surrogate pairs
  const source = [...sentence.source], best = sentence.outputs[0].text;
  const middle = [...best.slice(0, word.start)].length + [...word.text].length / 2;
  const looked = (sentence.alignment || []).find(one => one.target[0] < middle && one.target[1] > middle);
  for (const [start, end] of looked ? looked.source : []) {
    parts.push(source.slice(at, start).join(""), make("mark", source.slice(start, end).join("")));
    at = end;
  }
  read.replaceChildren(...parts, source.slice(at).join(""));
  read.hidden = !looked;
}

function show(answer) {
  const target = element("target");
  target.replaceChildren();
  let rest = answer.translatedText;
  for (const sentence of answer.details.sentences) {
    const best = sentence.outputs[0];
    if (!best) continue;
    const start = rest.indexOf(best.text);
    if (start < 0) continue; // put back by hand: shown as it is
    target.append(rest.slice(0, start));
    rest = rest.slice(start + best.text.length);
    const words = wordsOf(best);
    let at = 0;
    words.forEach((word, place) => {
      target.append(best.text.slice(at, word.start));
      const kind = word.sure < POOR ? "poor" : word.sure < FAIR ? "fair" : "sure";
      const button = make("button", word.text, {type: "button", className: kind, title: `${Math.round(100 * word.sure)} %`});
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => showWord(button, sentence, words, place));
      target.append(button);
      at = word.end;
    });
    target.append(best.text.slice(at));
  }
  target.append(rest);
  element("others").hidden = !answer.alternatives.length;
  element("others").querySelector("ol").replaceChildren(...answer.alternatives.map(text => make("li", text)));
}

async function translate() {
  clearTimeout(timer);
  if (asking) asking.abort();
  const text = element("source").value;
  element("count").textContent = text.length.toLocaleString();
  for (const id of ["word", "read", "error", "others"]) element(id).hidden = true;
  if (!text.trim()) return element("target").replaceChildren();
  asking = new AbortController();
  const {signal} = asking;
  element("target").classList.add("busy");
  const {source, target} = pairs[element("pair").selectedIndex] || {};
  try {
    show(await ask("/translate",
      {q: text, source, target, alternatives: 3, details: true, api_key: element("key").value}, signal));
  } catch (error) {
    if (signal.aborted) return;
    element("error").textContent = error.message;
    element("error").hidden = false;
  }
  element("target").classList.remove("busy");
}

function tellModel() {
  const one = pairs[element("pair").selectedIndex];
  element("source").lang = one.source;
  element("target").lang = one.target;
  element("source").dir = element("target").dir = "auto";
  element("who").textContent = one.version ? `The model: ${one.model}, version ${one.version}` : `The model: ${one.model}`;
  const since = one.since ? `${one.alias || "served"} since ${one.since.replace("T", " ").replace("Z", " UTC")}. ` : "";
  element("reign").textContent = `${since}${one.reason ? one.reason + ". " : ""}Bundle ${one.bundle_sha256.slice(0, 16)}.`;
  element("card").innerHTML = one.card; // made by the service from Markdown, without any HTML of its own
}

async function start() {
  const name = code => new Intl.DisplayNames(["en"], {type: "language"}).of(code);
  pairs = await ask("/models");
  element("pair").replaceChildren(...pairs.map(one => make("option", `${name(one.source)} to ${name(one.target)}`)));
  element("choice").hidden = pairs.length < 2;
  element("from").textContent = name(pairs[0].source);
  element("to").textContent = name(pairs[0].target);
  element("keyed").hidden = !(await ask("/frontend/settings")).keyRequired;
  element("pair").addEventListener("change", () => {
    const one = pairs[element("pair").selectedIndex];
    element("from").textContent = name(one.source);
    element("to").textContent = name(one.target);
    tellModel();
    translate();
  });
  tellModel();
  element("source").addEventListener("input", () => {
    element("count").textContent = element("source").value.length.toLocaleString();
    clearTimeout(timer);
    timer = setTimeout(translate, PAUSE);
  });
  element("source").addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) translate();
  });
  translate();
}

start().catch(error => {
  element("error").textContent = error.message;
  element("error").hidden = false;
});
