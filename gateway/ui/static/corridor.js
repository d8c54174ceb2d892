// What the pages do beyond what they do without script.

// Times are written in UTC; here they are the reader's own, with UTC kept for who hovers.
const language = document.documentElement.lang;
const own = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
const clock = new Intl.DateTimeFormat(own, { dateStyle: "medium", timeStyle: "medium" });
for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = time.textContent;
  time.textContent = clock.format(new Date(time.dateTime));
}

// A form is sent once, however often its button is pressed. One that may be answered by a file leaves its page open, and
// can be sent again once a double click is over.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    else if ("again" in form.dataset) setTimeout(() => delete form.dataset.sent, 1000);
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
