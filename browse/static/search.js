// The search of a static copy: Pagefind's index, shown in our page. A module, for it waits for another.
const form = document.querySelector("form.big");
const field = form.querySelector("input[name=q]");
const list = document.querySelector("#hits");
const status = document.querySelector("#status");
const PER_PAGE = 20;
let pagefind = null;
let options = {};

// The index has parts; of what a later part holds, too, the earlier one's is named as stale.
async function load(address) {
  const answer = await fetch(address, { cache: "no-cache" });
  if (!answer.ok) { throw new Error(answer.status + " " + address); }
  const known = await answer.json();
  const folders = known.parts.map((name) => new URL(name + "/", address).href);
  pagefind = await import(folders[0] + "pagefind.js");
  await pagefind.init();
  for (const folder of folders.slice(1)) { await pagefind.mergeIndex(folder); }
  if (known.stale.length) { options = { filters: { none: { state: known.stale } } }; }
}

function say(text) { status.textContent = text; }

// What Pagefind gives as HTML holds marks of its own and nothing else; it is read as such and never run.
function mark(excerpt) {
  const parsed = new DOMParser().parseFromString(excerpt, "text/html").body;
  const shown = document.createElement("p");
  shown.dir = "auto";
  parsed.childNodes.forEach(function (node) {
    if (node.nodeName === "MARK") {
      const mark = document.createElement("mark");
      mark.textContent = node.textContent;
      shown.append(mark);
    } else {
      shown.append(node.textContent);
    }
  });
  return shown;
}

async function show(results, from) {
  const found = await Promise.all(results.slice(from, from + PER_PAGE).map((one) => one.data()));
  found.forEach(function (one) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.textContent = one.meta.title;
    const excerpt = mark(one.excerpt);
    const first = excerpt.querySelector("mark");
    link.href = list.dataset.up + one.raw_url + (first ? "#:~:text=" + encodeURIComponent(first.textContent) : "");
    const when = document.createElement("span");
    when.className = "when";
    when.textContent = one.meta.when;
    item.append(link, when, excerpt);
    list.append(item);
  });
  document.querySelector("#more")?.remove();
  if (results.length > from + PER_PAGE) {
    const more = document.createElement("button");
    more.id = "more";
    more.type = "button";
    more.textContent = "More";
    more.addEventListener("click", function () { show(results, from + PER_PAGE); });
    list.after(more);
  }
}

async function search(words) {
  list.replaceChildren();
  document.querySelector("#more")?.remove();
  if (!words) { return; }
  say("Searching …");
  const found = await pagefind.search(words.replace(/[“”„]/g, '"'), options);
  const count = found.results.length;
  say(count ? count + " text" + (count === 1 ? "" : "s") + " of documents." : "No version says this.");
  await show(found.results, 0);
}

try {
  await load(new URL(list.dataset.index, import.meta.url));
  form.hidden = false;
  field.value = new URLSearchParams(location.search).get("q") || "";
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    history.replaceState(null, "", "?q=" + encodeURIComponent(field.value));
    search(field.value.trim()).catch(function (error) { say("The search failed: " + error); });
  });
  say("");
  await search(field.value.trim());
} catch (error) {
  say(location.protocol === "file:"
    ? "A browser loads no search from a file: put the folder on a web server, or run “python -m http.server” in it. The lists of sites and changes work as they are."
    : "The search did not load: " + error);
}
