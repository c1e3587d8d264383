// The official client: the server's own copy if it was started with `--client DIR`, else that of the public CDN.

const OWN = "/socket.io/socket.io.esm.min.js";
const PUBLIC = "https://cdn.socket.io/4.8.1/socket.io.esm.min.js";

export const { io } = await import(OWN).catch(() => import(PUBLIC));

/** An element by its id. */
export const $ = (id) => document.getElementById(id);

/** Shows in the element `state` how the connection is: the name of its transport, or why there is none. */
export function showState(socket) {
  const show = (text) => ($("state").textContent = text);
  const transport = () => show(socket.io.engine.transport.name);
  socket.on("connect", () => {
    transport();
    socket.io.engine.on("upgrade", transport);
  });
  socket.on("disconnect", show);
  socket.on("connect_error", (error) => show(error.message));
}

/** Runs `act` with the form's first field when it is sent, and empties it. */
export function onSubmit(form, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = form.querySelector("input");
    act(field?.value);
    if (field) field.value = "";
  });
}

/** Appends a line to a list, and scrolls to it. */
export function line(list, text) {
  const item = document.createElement("li");
  item.textContent = text;
  list.append(item);
  item.scrollIntoView({ block: "nearest" });
}
