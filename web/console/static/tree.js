// A page that shows itself again waits while somebody is in the middle of
// something on it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const tree = event.target.closest?.("#tree[hx-get]");
  if (tree && (tree.querySelector("details[open]") || document.activeElement?.matches("#tree :is(input, select, textarea)"))) {
    event.preventDefault();
  }
});

// A board's cards can be dragged. It sends what the buttons of a card's menu
// send: without this script, and without a mouse, the menu does the same.
let card = null;

const cardsAt = (target) => target.closest?.(".lane")?.querySelector(".cards");

document.addEventListener("dragstart", (event) => {
  card = event.target.closest?.("[data-move]");
  card?.classList.add("moving");
});

document.addEventListener("dragend", () => {
  card?.classList.remove("moving");
  document.querySelectorAll(".cards.over").forEach((cards) => cards.classList.remove("over"));
  card = null;
});

document.addEventListener("dragover", (event) => {
  const over = card && cardsAt(event.target);
  document.querySelectorAll(".cards.over").forEach((cards) => cards.classList.toggle("over", cards === over));
  if (!over || over.closest(".board") !== card.closest(".board")) return;
  over.classList.add("over");
  event.preventDefault(); // it may be dropped here
});

document.addEventListener("drop", (event) => {
  const cards = card && cardsAt(event.target);
  if (!cards || cards.closest(".board") !== card.closest(".board")) return;
  event.preventDefault();
  const others = [...cards.querySelectorAll(".item")].filter((other) => other !== card);
  const below = others.findIndex((other) => {
    const box = other.getBoundingClientRect();
    return event.clientY < box.top + box.height / 2;
  });
  const call = JSON.parse(card.dataset.move);
  call.body = { ...call.body, to: cards.closest(".lane").dataset.lane, position: below < 0 ? others.length : below };
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "-call";
  field.value = JSON.stringify(call);
  const form = document.getElementById("calls");
  form.append(field);
  form.submit();
});
