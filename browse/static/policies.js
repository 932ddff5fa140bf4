// What pages can do beside what they do without: buttons that copy, keys that walk through changes.
"use strict";

function offer(button) {
  button.hidden = false;
  button.addEventListener("click", function () {
    var source = document.getElementById(button.dataset.copy);
    var said = button.textContent;
    function tell(word) {
      button.textContent = word;
      setTimeout(function () { button.textContent = said; }, 2000);
    }
    function select() { // no clipboard without https: the words are marked, to be copied by hand
      var range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      tell(document.execCommand("copy") ? "Copied" : "Marked: press Ctrl+C");
    }
    if (navigator.clipboard) {
      navigator.clipboard.writeText(source.textContent).then(function () { tell("Copied"); }, select);
    } else {
      select();
    }
  });
}

document.querySelectorAll("button[data-copy]").forEach(offer);

// Keys of one letter get in the way of those who speak to their computer: a box on the page turns them off.
var box = document.querySelector(".keys input");
var changes = Array.from(document.querySelectorAll("h2.change"));

function follow(rel) {
  var link = document.querySelector(".pager a[rel=" + rel + "]");
  if (link) { location.href = link.href; }
}

function walk(step) {
  // from the change in the address, if it is in sight; else from where the reader has scrolled to
  var tops = changes.map(function (one) { return one.getBoundingClientRect().top; });
  var here = changes.findIndex(function (one) { return "#" + one.id === location.hash; });
  if (here < 0 || tops[here] < 0 || tops[here] > innerHeight) {
    var passed = tops.filter(function (top) { return top < 0; }).length;
    here = step > 0 ? passed - 1 : passed;
  }
  var target = changes[here + step];
  if (target) { location.hash = target.id; }
}

if (box) {
  box.closest(".keys").hidden = false;
  try { box.checked = localStorage.getItem("keys") !== "off"; } catch (error) { /* nothing is kept here */ }
  box.addEventListener("change", function () {
    try { localStorage.setItem("keys", box.checked ? "on" : "off"); } catch (error) { /* nothing is kept here */ }
  });
  document.addEventListener("keydown", function (event) {
    if (!box.checked || event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target !== box) { return; }
    var act = { n: [walk, 1], p: [walk, -1], N: [follow, "next"], P: [follow, "prev"] }[event.key];
    if (act) {
      event.preventDefault();
      act[0](act[1]);
    }
  });
}

// In a static copy nobody can be asked for a day: the table of all days is on the page, and a field finds one.
document.querySelectorAll("form.days").forEach(function (form) {
  var field = form.querySelector("input"), said = form.querySelector("output");
  form.hidden = false;
  function find() {
    var row = Array.from(document.querySelectorAll("table.days tbody tr")).find(function (one) {
      return one.dataset.first <= field.value && field.value <= one.dataset.last;
    });
    document.querySelectorAll("table.days .here").forEach(function (one) { one.classList.remove("here"); });
    said.textContent = !field.value ? "" : row ? row.cells[2].textContent : "Nothing is known of that day.";
    if (row) { row.classList.add("here"); row.scrollIntoView({ block: "center" }); }
  }
  field.addEventListener("change", find);
  form.addEventListener("submit", function (event) { event.preventDefault(); find(); });
});

// A static copy has no page for each paragraph: ¶ leads to it, and the box that quotes it is made here.
var frame = document.getElementById("quotation");

function read(paragraph) { // its words as the program reads them: no sign, no mark, not what is a paragraph in it
  var copy = paragraph.cloneNode(true);
  copy.querySelectorAll(".pl, [id^=p]").forEach(function (one) { one.remove(); });
  var parts = copy.cells ? Array.from(copy.cells) : [copy];
  return parts.map(function (part) { return part.textContent.replace(/\s+/g, " ").trim(); }).filter(Boolean).join(" | ");
}

function escapeWords(words) {
  return encodeURIComponent(words.join(" ")).replace(/[-!'()*]/g, function (sign) {
    return "%" + sign.charCodeAt(0).toString(16).toUpperCase();
  });
}

function fragment(text) {
  var words = text.split(" ");
  if (!text) { return ""; }
  return ":~:text=" + (words.length <= 12 ? escapeWords(words)
    : escapeWords(words.slice(0, 5)) + "," + escapeWords(words.slice(-5)));
}

function showQuotation() {
  var number = /^#p([0-9]+)/.exec(location.hash), paragraph = number && document.getElementById("p" + number[1]);
  var old = document.querySelector("section.quote");
  if (old) { old.remove(); }
  if (!paragraph) { return; }
  var box = frame.content.cloneNode(true), text = read(paragraph);
  var address = location.href.split("#")[0].split("?")[0] + "#p" + number[1] + fragment(text);
  var parts = { number: number[1], text: text, address: address };
  box.querySelectorAll("[data-part]").forEach(function (part) {
    if (part.dataset.part === "link") { part.href = "#p" + number[1]; } else { part.textContent = parts[part.dataset.part]; }
  });
  frame.parentNode.insertBefore(box, frame);
  offer(document.querySelector("section.quote button"));
  paragraph.scrollIntoView(); // the box has moved it
}

if (frame) {
  addEventListener("hashchange", showQuotation);
  showQuotation();
}
