// The overview, kept up to date by the server's events.
const token = new URLSearchParams(location.search).get("token") ?? "";
const bots = new Map();

function show() {
  const rows = [...bots.values()].map((bot) => {
    const row = document.createElement("tr");
    const cells = [bot.bot, bot.symbol, bot.status, `${bot.realized} ${bot.quote}`, bot.floating ?? "-", bot.round_trips,
      bot.fills_today ?? "-", `${bot.levels.open}/${bot.levels.all}`, bot.owed];
    for (const text of cells) {
      const cell = document.createElement("td");
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  });
  document.getElementById("bots").replaceChildren(...rows);
}

function say(text) {
  document.getElementById("health").textContent = text;
}

const events = new EventSource(`/api/events?token=${encodeURIComponent(token)}`);
events.addEventListener("overview", (event) => {
  const overview = JSON.parse(event.data);
  bots.clear();
  for (const bot of overview.bots) bots.set(bot.bot, bot);
  say(overview.health.line);
  show();
});
events.addEventListener("bots", (event) => {
  const changed = JSON.parse(event.data);
  for (const bot of changed.bots) bots.set(bot.bot, bot);
  for (const id of changed.removed) bots.delete(id);
  show();
});
events.addEventListener("state", (event) => say(JSON.parse(event.data).health.line));
events.addEventListener("trouble", (event) => say(JSON.parse(event.data).error));
events.addEventListener("error", () => say("not connected; trying again"));
