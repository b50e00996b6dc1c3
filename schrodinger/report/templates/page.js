"use strict";
// What the page does beyond being read: values under the pointer or the arrow keys, zoom, copying a command, printing what is folded.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");
  const WIDE = 1000;

  const duration = (ns) => {
    if (ns === null || ns === undefined) return "–";
    for (const [limit, unit, name] of [[1e3, 1, "ns"], [1e6, 1e3, "µs"], [1e9, 1e6, "ms"], [6e10, 1e9, "s"]]) {
      const value = ns / unit;
      if (ns < limit) return `${unit === 1 ? value : value.toPrecision(3)} ${name}`;
    }
    return `${(ns / 6e10).toFixed(1)} min`;
  };
  const moment = (ns) => `${(ns / 1e9).toFixed(3)} s`;
  const rate = (count) => `${(count * 1e9 / data.width).toLocaleString("en", { maximumFractionDigits: 1 })}/s`;

  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = x + 14 + box.width > innerWidth ? x - box.width - 14 : x + 14;
    const top = y + 14 + box.height > innerHeight ? y - box.height - 14 : y + 14;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  };
  const hide = () => { tip.hidden = true; };

  // Charts over time: each returns the text for a bucket.
  const start = (bucket) => moment(data.first + bucket * data.width);
  const byBucket = new Map(data.latency.bucket.map((bucket, i) => [bucket, i]));
  const texts = {
    throughput: (b) => `from ${start(b)}\nok ${rate(data.throughput.ok[b])}\nfail ${rate(data.throughput.fail[b])}\ninfo ${rate(data.throughput.info[b])}`,
    latency: (b) => {
      const i = byBucket.get(b);
      if (i === undefined) return `from ${start(b)}\nnothing succeeded`;
      const of = (name) => duration(data.latency[name][i]);
      return `from ${start(b)}\nmedian ${of("p50")}\n95th ${of("p95")}\n99th ${of("p99")}\nslowest ${of("max")}\n${data.latency.count[i]} operations`;
    },
  };
  const nearest = (x, y, width) => {
    let best = null;
    let least = 24 * 24;
    for (const point of data.scatter) {
      const dx = point[0] * width / WIDE - x;
      const dy = point[1] - y;
      if (dx * dx + dy * dy < least) { least = dx * dx + dy * dy; best = point; }
    }
    return best;
  };
  const told = ([x, , outcome, process, f, key, latency]) => {
    const at = moment(data.first + x / WIDE * data.width * data.buckets);
    const on = key === null ? "" : ` on key ${key}`;
    return `${f}${on}: ${outcome}\nprocess ${process}, at ${at}\n${latency === null ? "never completed" : `took ${duration(latency)}`}`;
  };

  for (const scroller of document.querySelectorAll("[data-chart]")) {
    const chart = scroller.querySelector(".chart");
    const cursor = chart.querySelector(".cursor");
    const kind = scroller.dataset.chart;
    let bucket = 0;
    const point = (b, x, y) => {
      bucket = Math.min(Math.max(b, 0), data.buckets - 1);
      const at = `${100 * (bucket + 0.5) / data.buckets}%`;
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
      chart.classList.add("pointed");
      show(texts[kind](bucket), x, y);
    };
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const x = event.clientX - box.left;
      const fault = event.target.closest(".fault-bar");
      if (fault) { chart.classList.remove("pointed"); show(fault.dataset.tip, event.clientX, event.clientY); return; }
      if (kind === "scatter") {
        const top = chart.querySelector(".stretched").y.baseVal.value;
        const found = nearest(x, event.clientY - box.top - top, box.width);
        if (found) show(told(found), event.clientX, event.clientY); else hide();
      } else {
        point(Math.floor(x / box.width * data.buckets), event.clientX, event.clientY);
      }
    });
    const leave = () => { chart.classList.remove("pointed"); hide(); };
    chart.addEventListener("pointerleave", leave);
    chart.addEventListener("blur", leave);
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (event.key === "Escape") leave();
      if (!step || kind === "scatter") return;
      event.preventDefault();
      const box = chart.getBoundingClientRect();
      point(bucket + step, box.left + box.width * (bucket + step) / data.buckets, box.top + 40);
    });
  }

  for (const operation of document.querySelectorAll(".operation")) {
    const title = operation.querySelector("title");
    if (title) title.remove(); // our own tooltip replaces the browser's
    operation.addEventListener("pointermove", (event) => show(operation.dataset.tip, event.clientX, event.clientY));
    operation.addEventListener("pointerleave", hide);
    operation.addEventListener("focus", () => {
      const box = operation.getBoundingClientRect();
      show(operation.dataset.tip, box.left + 10, box.bottom - 6);
    });
    operation.addEventListener("blur", hide);
    operation.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  }

  // Zoom: charts are laid out in percentages, so a wider element is a closer look. Charts of one section move together.
  for (const area of document.querySelectorAll(".zoomable")) {
    const scrollers = [...area.querySelectorAll(".scroller")];
    let zoom = 1;
    const toolbar = document.createElement("div");
    toolbar.className = "toolbar";
    const level = document.createElement("span");
    const button = (label, name, change) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = label;
      made.setAttribute("aria-label", name);
      made.addEventListener("click", () => set(change()));
      return made;
    };
    const closer = button("+", "Zoom in", () => zoom * 2);
    const wider = button("−", "Zoom out", () => zoom / 2);
    const keepLabels = (one) => { // axis labels stay in sight
      one.style.setProperty("--left", `${one.scrollLeft}px`);
      one.style.setProperty("--right", `${one.scrollLeft + one.clientWidth - one.scrollWidth}px`);
    };
    const set = (wanted) => {
      const old = zoom;
      zoom = Math.min(Math.max(wanted, 1), 8);
      const middles = scrollers.map((one) => (one.scrollLeft + one.clientWidth / 2) / old);
      area.style.setProperty("--zoom", zoom);
      area.dataset.zoom = zoom;
      scrollers.forEach((one, i) => { one.scrollLeft = middles[i] * zoom - one.clientWidth / 2; });
      level.textContent = `${zoom}×`;
      scrollers.forEach(keepLabels);
      wider.disabled = zoom === 1;
      closer.disabled = zoom === 8;
    };
    toolbar.append(wider, level, closer);
    area.prepend(toolbar);
    set(1);
    for (const one of scrollers) {
      one.addEventListener("scroll", () => {
        keepLabels(one);
        for (const other of scrollers) if (other !== one && other.scrollLeft !== one.scrollLeft) other.scrollLeft = one.scrollLeft;
      }, { passive: true });
    }
  }

  for (const code of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
    code.parentElement.classList.add("copyable");
    code.parentElement.append(button);
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
})();
