// A chat on Socket.IO: rooms, names, pictures, typing, and what it takes to survive a bad connection.
//
// The protocol. A room or a name has 1 to 32 characters, a text 1 to 4,000. `at` is in milliseconds since 1970.
// A person is `{id, name}`, `id` being the id of the socket. A message is `{id, from: person, at, text}` or
// `{id, from: person, at, image: binary, type, name}`, `id` being chosen by its sender.
//
//   client → server
//     join     ({room, name}, ack)               leaves the room one was in; acks {history: [message], users: [person],
//                                                you: person}, or {error}. The history holds the last 50 messages, of
//                                                which at most 8 with an image: an official client takes no more than
//                                                10 attachments in one packet.
//     message  ({id, text}, ack)                 acks {id, at}, or {error}. A message whose id is in the history already
//     message  ({id, image, type, name}, ack)    is acked as it was and not sent on: a client repeats what has not been
//                                                acked when it comes back.
//     typing   (boolean)                         repeated every two seconds while it is true.
//     leave    ()                                as if disconnected.
//     latency  (ack)                             acks nothing, at once.
//   server → client
//     message  (message)                         to the room without the sender.
//     typing   ({id, name, typing})              to the room without the typist.
//     users    ([person])                        to the others of the room when somebody came, left or was renamed.
//     rooms    ([{room, count, messages}])       to everyone when it changes, and to whoever has just joined: how many
//                                                people are in there, how many messages there have ever been.

const CLIENT_URL = "/socket.io/socket.io.js";
const FALLBACK_URL = "https://cdn.socket.io/4.8.1/socket.io.min.js";
const FALLBACK_INTEGRITY = "sha384-mkQ3/7FUtcGyoppY6bz/PORYoGqOl7/aSUMn2ymDOJcapfS6PHqxhRTMh1RR0Q6+";

const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];
/** What fits the server's default limit of 1 MB, over polling too, where binary grows by a third. */
const IMAGE_BYTES = 700_000;
const IMAGE_INPUT_BYTES = 25_000_000;
const IMAGE_PIXELS = 1600;

const LATENCY_MS = 4_000;
const ACK_MS = 10_000;
const TYPING_REPEAT_MS = 2_000;
const TYPING_SHOWN_MS = 5_000;
const GROUP_MS = 3 * 60_000;
const MESSAGES_SHOWN = 300;

const $ = (id) => document.getElementById(id);

// ── State ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the browser remembers: name, room, and per room how many messages have been read. */
const memory = {
  get name() { return localStorage.getItem("chat.name") ?? ""; },
  set name(name) { localStorage.setItem("chat.name", name); },
  get room() { return localStorage.getItem("chat.room") ?? "lobby"; },
  set room(room) { localStorage.setItem("chat.room", room); },
  get read() { return JSON.parse(localStorage.getItem("chat.read") ?? "{}"); },
  set read(read) { localStorage.setItem("chat.read", JSON.stringify(read)); },
};

/** The ids of the messages sent from this tab, so that they are still one's own after a reload. */
const own = new Set(JSON.parse(sessionStorage.getItem("chat.own") ?? "[]"));

const state = {
  room: roomOfAddress() || memory.room,
  you: undefined,
  joined: false,
  /** Messages that arrived before the answer to `join`: of the room just left, or of the new one. */
  early: [],
  users: [],
  rooms: [],
  typists: new Map(),
  unseen: 0,
};

/** Messages the server has not acked, by id, in the order they were written. */
const outbox = new Map();
/** The list items of the messages on the page, by id. */
const shown = new Map();

let socket;

start();

async function start() {
  wireControls();
  showRoom();
  try {
    await loadClient();
  } catch {
    return showTrouble();
  }
  if (!memory.name) await askName();
  showMe();
  connect();
}

// ── The client library ──────────────────────────────────────────────────────────────────────────────────────────────

async function loadClient() {
  try {
    await loadScript(CLIENT_URL);
  } catch {
    await loadScript(FALLBACK_URL, FALLBACK_INTEGRITY);
  }
  if (!window.io) throw new Error("no client");
}

function loadScript(src, integrity) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject });
    if (integrity) Object.assign(script, { integrity, crossOrigin: "anonymous" });
    document.head.append(script);
  });
}

function showTrouble() {
  $("trouble").replaceChildren(
    make("h2", { textContent: "The Socket.IO client could not be loaded" }),
    make("p", { textContent: "This server does not serve it, and the public copy at cdn.socket.io cannot be reached." }),
    make("p", { textContent: "Start the server with the folder of the npm package socket.io-client, then reload this page:" }),
    make("pre", { textContent: "chat --client node_modules/socket.io-client" }),
  );
  $("trouble").hidden = false;
  showBadge("offline", "no client");
}

// ── The connection ──────────────────────────────────────────────────────────────────────────────────────────────────

function connect() {
  socket = window.io();
  socket.on("connect", join);
  socket.on("disconnect", (reason) => {
    state.joined = false;
    showCompany();
    showBadge("reconnecting", "reconnecting");
    // After a farewell of the server the client does not come back by itself.
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), 1_000);
  });
  socket.on("connect_error", () => {
    showBadge("reconnecting", "reconnecting");
    // A refused namespace, unlike a lost connection, is not tried again by the client.
    if (!socket.active) setTimeout(() => socket.connect(), 3_000);
  });
  socket.on("message", (message) => {
    settleTyping(message.from.id);
    if (state.joined) receive(message);
    else state.early.push(message);
  });
  socket.on("typing", ({ id, name, typing }) => (typing ? showTypist(id, name) : settleTyping(id)));
  socket.on("users", showPeople);
  socket.on("rooms", showRooms);
  setInterval(measureLatency, LATENCY_MS);
}

function join() {
  const { room } = state;
  state.joined = false;
  state.early = [];
  showTransport();
  socket.io.engine.once("upgrade", showTransport);
  socket.emit("join", { room, name: memory.name }, (answer) => {
    if (room !== state.room) return;
    if (answer.error) return showNotice(`The room “${room}” could not be entered: ${answer.error}.`);
    state.joined = true;
    state.you = answer.you;
    // Nobody wants a whole history read out.
    $("log").ariaBusy = "true";
    const early = state.early.filter(({ from }) => answer.users.some(({ id }) => id === from.id));
    for (const message of [...answer.history, ...early]) receive(message, { fresh: false });
    $("log").ariaBusy = "false";
    showPeople(answer.users);
    showEmpty();
    flush();
    measureLatency();
  });
}

function measureLatency() {
  if (!socket.connected) return;
  const sent = performance.now();
  socket.timeout(LATENCY_MS).emit("latency", (error) => {
    $("badge-latency").textContent = error ? "slow" : `${Math.round(performance.now() - sent)} ms`;
  });
}

function showTransport() {
  const { name } = socket.io.engine.transport;
  showBadge(name, name);
}

function showBadge(state, words) {
  const changed = $("badge-state").textContent !== words;
  $("badge").dataset.state = state;
  $("badge-state").textContent = words;
  if (changed) {
    $("badge-latency").textContent = "";
    $("status").textContent = `Connection: ${words}`;
  }
}

// ── Messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Shows a message of one's own at once and sends it as soon as there is a connection. */
function send(body) {
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const message = { id, from: state.you ?? { name: memory.name }, at: Date.now(), ...body };
  own.add(id);
  sessionStorage.setItem("chat.own", JSON.stringify([...own].slice(-200)));
  outbox.set(id, { room: state.room, message });
  show(message);
  mark(id, "waiting", "Waiting to be sent");
  scrollToEnd();
  if (state.joined) transmit(message);
}

/** Sends what could not be sent, or was not acked, while the connection was away. */
function flush() {
  for (const { room, message } of outbox.values()) {
    if (room !== state.room) continue;
    if (!shown.has(message.id)) show(message);
    mark(message.id, "waiting", "Waiting to be sent");
    transmit(message);
  }
}

function transmit({ id, text, image, type, name }) {
  const body = image ? { id, image, type, name } : { id, text };
  socket.timeout(ACK_MS).emit("message", body, (error, answer) => {
    if (error) {
      // Unless the connection is gone, in which case it is sent again after joining.
      if (state.joined && outbox.has(id)) mark(id, "waiting", "Not confirmed yet");
    } else if (answer.error) {
      outbox.delete(id);
      mark(id, "failed", `Not sent: ${answer.error}`);
    } else {
      deliver(id, answer.at);
    }
  });
}

function deliver(id, at) {
  outbox.delete(id);
  mark(id, "delivered", "Delivered");
  const time = shown.get(id)?.querySelector("time");
  if (time) setTime(time, at);
}

/** Takes a message of the server: a new one, or one of the history, which may be on the page already. */
function receive(message, { fresh = true } = {}) {
  if (shown.has(message.id)) return deliver(message.id, message.at);
  outbox.delete(message.id);
  const follow = atEnd() || !fresh;
  show(message);
  if (follow) scrollToEnd();
  else $("to-end").hidden = false;
  if (fresh && document.hidden) {
    state.unseen += 1;
    showTitle();
  }
}

function show(message) {
  const mine = own.has(message.id);
  const log = $("log");
  const last = log.lastElementChild;
  const at = new Date(message.at);
  if (last?.dataset.day !== at.toDateString()) {
    log.append(make("li", { className: "day", textContent: dayName(at) }, { day: at.toDateString() }));
  }
  // By name: whoever reconnects gets another id.
  const author = mine ? "" : message.from.name;
  const joined = last?.dataset.author === author && last.dataset.day === at.toDateString() && at - last.dataset.at < GROUP_MS;
  const item = make("li", { className: "message" }, { author, at: message.at, day: at.toDateString(), id: message.id });
  item.classList.toggle("mine", mine);
  item.classList.toggle("joined", joined);

  const bubble = make("div", { className: "bubble" });
  if (!mine) {
    if (!joined) item.append(avatar(message.from.name));
    const name = make("p", { className: joined ? "unseen" : "author", textContent: message.from.name });
    name.style.setProperty("--hue", hue(message.from.name));
    bubble.append(name);
  }
  bubble.append(message.image ? picture(message) : prose(message.text));
  const meta = make("p", { className: "meta" });
  const time = make("time");
  setTime(time, message.at);
  meta.append(time);
  if (mine) {
    meta.append(make("span", { className: "mark" }));
  }
  bubble.append(meta);
  item.append(bubble);
  log.append(item);
  shown.set(message.id, item);
  if (mine) mark(message.id, "delivered", "Delivered");
  while (log.children.length > MESSAGES_SHOWN) forget(log.firstElementChild);
  showEmpty();
}

function forget(item) {
  shown.delete(item.dataset.id);
  for (const image of item.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  item.remove();
}

/** Text with its web addresses as links; never interpreted as anything else. */
function prose(text) {
  const body = make("p", { className: "text" });
  for (const [i, part] of text.split(/(https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]])/).entries()) {
    if (i % 2 === 0) body.append(part);
    else body.append(make("a", { href: part, textContent: part, target: "_blank", rel: "noopener noreferrer" }));
  }
  return body;
}

function picture({ image, type, name, from }) {
  // Whoever sent it may have called it anything: only raster images are taken for images.
  if (!IMAGE_TYPES.includes(type)) return make("p", { className: "text", textContent: `(a file of the kind “${type}”)` });
  const button = make("button", { type: "button", className: "picture" });
  const img = make("img", { alt: name || `Picture from ${from.name}` });
  const follow = atEnd();
  img.onload = () => follow && scrollToEnd();
  img.src = URL.createObjectURL(new Blob([image], { type }));
  button.append(img);
  button.onclick = () => {
    Object.assign($("viewer").querySelector("img"), { src: img.src, alt: img.alt });
    $("viewer").showModal();
  };
  return button;
}

function mark(id, kind, words) {
  const element = shown.get(id)?.querySelector(".mark");
  if (!element) return;
  element.dataset.kind = kind;
  element.title = words;
  element.replaceChildren(icon(kind), make("span", { className: kind === "failed" ? "" : "unseen", textContent: words }));
}

// ── Pictures ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Sends the first picture among `files`, made smaller if it must be, or says why not. */
async function sendPicture(files) {
  const file = [...files].find(({ type }) => type.startsWith("image/"));
  if (!file) return showNotice("Only pictures can be sent: PNG, JPEG, GIF, WebP or AVIF.");
  try {
    const blob = await fitting(file);
    send({ image: await blob.arrayBuffer(), type: blob.type, name: file.name });
  } catch (error) {
    showNotice(`“${file.name}” was not sent: ${error.message}`);
  }
}

/** The file itself, or a smaller JPEG of it that is within the limit. */
async function fitting(file) {
  if (file.size > IMAGE_INPUT_BYTES) {
    throw new Error(`it has ${megabytes(file.size)}, and ${megabytes(IMAGE_INPUT_BYTES)} are the most this page can handle.`);
  }
  if (IMAGE_TYPES.includes(file.type) && file.size <= IMAGE_BYTES) return file;
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("this browser cannot read it.");
  });
  for (let pixels = IMAGE_PIXELS; pixels >= 400; pixels /= 2) {
    const scale = Math.min(1, pixels / Math.max(bitmap.width, bitmap.height));
    const canvas = make("canvas", { width: Math.ceil(bitmap.width * scale), height: Math.ceil(bitmap.height * scale) });
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
    if (blob && blob.size <= IMAGE_BYTES) return blob;
  }
  throw new Error(`it cannot be made smaller than ${megabytes(IMAGE_BYTES)}, the most that can be sent.`);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toLocaleString(undefined, { maximumFractionDigits: 1 })} MB`;
}

// ── Rooms and people ────────────────────────────────────────────────────────────────────────────────────────────────

function enter(room) {
  closeSidebar();
  if (room === state.room) return;
  stopTyping();
  state.room = room;
  state.joined = false;
  state.users = [];
  state.typists.forEach(({ timer }) => clearTimeout(timer));
  state.typists.clear();
  for (const item of [...$("log").children]) forget(item);
  showRoom();
  showTyping();
  if (socket?.connected) join();
  // On a touch screen this would open the keyboard over the room one has come to see.
  if (matchMedia("(pointer: fine)").matches) $("text").focus();
}

function showRoom() {
  memory.room = state.room;
  history.replaceState(null, "", `#${encodeURIComponent(state.room)}`);
  $("room").textContent = state.room;
  $("text").placeholder = `Message to ${state.room}`;
  $("notice").hidden = true;
  $("to-end").hidden = true;
  showRooms(state.rooms);
  showCompany();
  showTitle();
}

function showRooms(rooms) {
  state.rooms = rooms;
  const read = memory.read;
  const items = [];
  let elsewhere = 0;
  const all = rooms.some(({ room }) => room === state.room) ? rooms : [...rooms, { room: state.room, count: 0, messages: 0 }];
  for (const { room, count, messages } of [...all].sort((a, b) => a.room.localeCompare(b.room))) {
    const here = room === state.room;
    // A restarted server counts from zero again.
    const seen = here || !(room in read) ? messages : Math.min(read[room], messages);
    if (here || seen !== read[room]) read[room] = seen;
    const unread = messages - seen;
    elsewhere += unread;
    const button = make("button", { type: "button", onclick: () => enter(room) });
    if (here) button.setAttribute("aria-current", "true");
    button.append(make("span", { className: "room", textContent: room }));
    if (unread > 0) {
      button.append(make("span", { className: "unread", textContent: unread > 99 ? "99+" : unread }), hint(" unread"));
    }
    if (count > 0) {
      const people = make("span", { className: "count", title: `${count} here` });
      people.append(icon("person"), count, hint(" here"));
      button.append(people);
    }
    const item = make("li");
    item.append(button);
    items.push(item);
  }
  if (rooms.length > 0) memory.read = read;
  $("menu-unread").hidden = elsewhere === 0;
  // Replacing a focused button would lose the focus of whoever uses the keyboard.
  const focused = [...$("rooms").querySelectorAll("button")].indexOf(document.activeElement);
  $("rooms").replaceChildren(...items);
  if (focused >= 0) $("rooms").querySelectorAll("button")[focused]?.focus();
}

function showPeople(users) {
  state.users = users;
  const you = state.you?.id;
  const items = users.map(({ id, name }) => {
    const item = make("li");
    item.append(avatar(name), make("span", { textContent: name }));
    if (id === you) item.append(make("small", { textContent: "you" }));
    return item;
  });
  $("people").replaceChildren(...items);
  for (const id of state.typists.keys()) {
    if (!users.some((user) => user.id === id)) settleTyping(id);
  }
  showCompany();
}

function showCompany() {
  const count = state.users.length;
  if (!state.joined) $("company").textContent = "not connected";
  else $("company").textContent = count <= 1 ? "only you" : `${count} people here`;
}

function showMe() {
  const [face, who] = $("me").children;
  face.replaceWith(avatar(memory.name));
  who.firstElementChild.textContent = memory.name;
  $("me").hidden = false;
}

async function askName() {
  const dialog = $("welcome");
  $("name").value = memory.name;
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const name = $("name").value.trim();
  if (name && dialog.returnValue) memory.name = name;
  else if (!memory.name) return askName();
}

async function rename() {
  const before = memory.name;
  await askName();
  showMe();
  if (memory.name !== before && socket?.connected) join();
}

// ── Typing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const typing = { last: 0, timer: undefined };

function startTyping() {
  clearTimeout(typing.timer);
  typing.timer = setTimeout(stopTyping, TYPING_REPEAT_MS + 1_000);
  if (state.joined && Date.now() - typing.last > TYPING_REPEAT_MS) {
    typing.last = Date.now();
    socket.emit("typing", true);
  }
}

function stopTyping() {
  clearTimeout(typing.timer);
  if (typing.last && state.joined) socket.emit("typing", false);
  typing.last = 0;
}

function showTypist(id, name) {
  settleTyping(id);
  state.typists.set(id, { name, timer: setTimeout(() => settleTyping(id), TYPING_SHOWN_MS) });
  showTyping();
}

function settleTyping(id) {
  clearTimeout(state.typists.get(id)?.timer);
  if (state.typists.delete(id)) showTyping();
}

function showTyping() {
  const names = [...state.typists.values()].map(({ name }) => name);
  const words = names.length > 2 ? "Several people are typing" : `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing`;
  $("typing").replaceChildren();
  if (names.length > 0) $("typing").append(make("span", { className: "dots" }), words);
}

// ── The page ────────────────────────────────────────────────────────────────────────────────────────────────────────

function wireControls() {
  const text = $("text");
  const resize = () => {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
    $("composer").classList.toggle("filled", text.value.trim() !== "");
  };
  text.addEventListener("input", () => {
    resize();
    if (text.value.trim()) startTyping();
    else stopTyping();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("composer").requestSubmit();
  });
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const words = text.value.trim();
    if (words) {
      send({ text: words });
      text.value = "";
      resize();
      stopTyping();
    }
    text.focus();
  });

  $("attach").onclick = () => $("file").click();
  $("file").onchange = ({ target }) => {
    sendPicture(target.files);
    target.value = "";
  };
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    sendPicture(event.clipboardData.files);
  });
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    $("drop").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) $("drop").hidden = true;
  });
  document.addEventListener("drop", (event) => {
    $("drop").hidden = true;
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    sendPicture(event.dataTransfer.files);
  });

  $("new-room").addEventListener("submit", (event) => {
    event.preventDefault();
    const room = $("new-room-name").value.trim();
    $("new-room-name").value = "";
    if (room) enter(room);
  });
  window.addEventListener("hashchange", () => enter(roomOfAddress() || state.room));
  $("me").onclick = rename;

  $("menu").onclick = () => ($("app").classList.contains("open") ? closeSidebar() : openSidebar());
  $("shade").onclick = closeSidebar;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && $("app").classList.contains("open")) {
      closeSidebar();
      $("menu").focus();
    }
  });
  $("viewer").onclick = () => $("viewer").close();

  $("scroll").addEventListener("scroll", () => atEnd() && ($("to-end").hidden = true), { passive: true });
  $("to-end").onclick = scrollToEnd;
  // Keeps the latest message in sight when the keyboard of a phone opens.
  let follow = true;
  $("scroll").addEventListener("scroll", () => (follow = atEnd()), { passive: true });
  new ResizeObserver(() => follow && scrollToEnd()).observe($("scroll"));
  document.addEventListener("visibilitychange", () => {
    state.unseen = 0;
    showTitle();
  });
}

function openSidebar() {
  $("app").classList.add("open");
  $("menu").setAttribute("aria-expanded", "true");
}

function closeSidebar() {
  $("app").classList.remove("open");
  $("menu").setAttribute("aria-expanded", "false");
}

let noticeTimer;
function showNotice(words) {
  $("notice").textContent = words;
  $("notice").hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => ($("notice").hidden = true), 8_000);
}

function showEmpty() {
  $("empty").hidden = shown.size > 0 || !state.joined;
}

function showTitle() {
  document.title = `${state.unseen > 0 ? `(${state.unseen}) ` : ""}${state.room} · Chat`;
}

function atEnd() {
  const { scrollHeight, scrollTop, clientHeight } = $("scroll");
  return scrollHeight - scrollTop - clientHeight < 80;
}

function scrollToEnd() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
  $("to-end").hidden = true;
}

// ── Small things ────────────────────────────────────────────────────────────────────────────────────────────────────

function make(tag, properties = {}, dataset = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  Object.assign(element.dataset, dataset);
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Words for those who hear the page. */
function hint(words) {
  return make("span", { className: "unseen", textContent: words });
}

function avatar(name) {
  const face = make("span", { className: "avatar", textContent: [...name][0]?.toUpperCase() ?? "?", ariaHidden: "true" });
  face.style.setProperty("--hue", hue(name));
  return face;
}

/** A colour for a name, the same on every page. */
function hue(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 3600;
  return sum / 10;
}

function setTime(element, at) {
  const date = new Date(at);
  element.dateTime = date.toISOString();
  element.textContent = date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

function dayName(date) {
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return "Today";
  return date.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
}

function roomOfAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1)).trim().slice(0, 32);
  } catch {
    return "";
  }
}
