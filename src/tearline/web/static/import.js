// How far an import is: asks for the page's own JSON, and shows the page anew when it has ended.
const shown = document.getElementById("running");
const bar = document.getElementById("progress");
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });

for (let failures = 0; shown && failures < 20;) {
  await wait(700 + 500 * failures);
  try {
    const reply = await fetch(shown.dataset.at);
    if (!reply.ok) throw new Error(String(reply.status));
    const found = await reply.json();
    failures = 0;
    if (found.state !== "waiting" && found.state !== "running") {
      location.reload();
      break;
    }
    if (found.total) {
      bar.max = found.total;
      bar.value = found.done;
    }
    document.getElementById("done").textContent = found.total ? `${found.done} / ${found.total}` : "";
  } catch {
    failures += 1;
  }
}
