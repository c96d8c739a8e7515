// All that is wrong with the page, in sentences. The window is as high as the page.
(() => {
  const faults = [];
  const parse = (s) => (s.match(/[\d.]+/g) || []).map(Number);
  const over = (top, below) => {
    const a = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * a + below[i] * (1 - a));
  };
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  // What is painted below an element at a point, composed from the page up.
  const below = (el, x, y) => {
    const stack = document.elementsFromPoint(x, y);
    let c = parse(getComputedStyle(document.body).backgroundColor);
    for (const e of stack.slice(stack.indexOf(el) + 1).reverse()) {
      const s = getComputedStyle(e);
      const paint = e instanceof SVGElement ? (e.tagName === "rect" ? s.fill : "") : s.backgroundColor;
      if (paint && paint !== "none") c = over(parse(paint), c);
    }
    return c;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const el = n.parentElement;
    const range = document.createRange();
    range.selectNodeContents(n);
    const box = [...range.getClientRects()].find((r) => r.width > 1 && r.height > 1);
    if (!n.data.trim() || !box || ["title", "desc"].includes(el.tagName)) continue;
    texts++;
    const style = getComputedStyle(el);
    const svg = el instanceof SVGElement;
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    const ground = below(el, x, y);
    const ratio = contrast(over(parse(svg ? style.fill : style.color), ground), ground);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${n.data.trim().slice(0, 50)}`);
    if (parseFloat(style.fontSize) < 11) faults.push(`${style.fontSize}: ${n.data.trim().slice(0, 50)}`);
    if (svg) {
      const frame = el.closest("svg").getBoundingClientRect();
      if (box.left < frame.left - 6 || box.right > frame.right + 6) faults.push(`out of the drawing: ${n.data}`);
      if (el.classList.contains("in")) {
        const under = document.elementsFromPoint(box.left + 1, y).filter((e) => e.tagName === "rect" && !e.classList.contains("band"))[0];
        if (!under || box.right > under.getBoundingClientRect().right + 1) faults.push(`out of its box: ${n.data}`);
      }
    }
  }
  if (texts < 50) faults.push(`only ${texts} texts are to be seen`);
  // No text of a drawing lies on another.
  for (const svg of document.querySelectorAll("svg[role=img]")) {
    const shown = [...svg.querySelectorAll("text")].map((t) => [t, t.getBoundingClientRect()]).filter(([, r]) => r.width > 0);
    shown.forEach(([a, p], i) => {
      for (const [b, q] of shown.slice(i + 1)) {
        if (p.left < q.right - 2 && q.left < p.right - 2 && p.top < q.bottom - 3 && q.top < p.bottom - 3) faults.push(`one text lies on another: ${a.textContent} / ${b.textContent}`);
      }
    });
    if (svg.getBoundingClientRect().width < 250) faults.push("a drawing is too narrow");
  }
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const now = Number(h.tagName[1]);
    if (now > level + 1) faults.push(`h${now} follows h${level}: ${h.textContent}`);
    level = now;
  }
  for (const a of document.querySelectorAll("a")) {
    if (!a.hash || !document.getElementById(decodeURIComponent(a.hash.slice(1)))) faults.push(`a link leads nowhere: ${a.href}`);
  }
  for (const e of document.querySelectorAll("a, summary")) {
    if (e.getBoundingClientRect().height < 20) faults.push(`too small for a finger: ${e.textContent.trim()}`);
  }
  return faults;
})();
