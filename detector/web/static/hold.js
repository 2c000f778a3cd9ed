// "Call for help": held for 2 s, by finger, mouse or key, so that nobody calls by brushing over it.
const HOLD_MS = 2000;

export function holdToCall(button, sure, how, call) {
  const words = button.querySelector(".words");
  let timer = 0;
  button.type = "button";
  sure.remove();
  how.textContent = "Hold for 2 seconds. Everybody on the list is called.";

  function begin() {
    if (timer || button.disabled) return;
    button.dataset.held = "yes";
    words.textContent = "Keep holding";
    timer = setTimeout(() => {
      end();
      call(button);
    }, HOLD_MS);
  }

  function end() {
    clearTimeout(timer);
    timer = 0;
    delete button.dataset.held;
    words.textContent = "Call for help";
  }

  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    begin();
  });
  for (const kind of ["pointerup", "pointercancel", "blur"]) button.addEventListener(kind, end);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) begin();
    }
  });
  button.addEventListener("keyup", (event) => {
    if (event.key === " " || event.key === "Enter") end();
  });
}
