// What the pages do anyway, with keys and without waiting; without this script everything works by mouse and Tab.
"use strict";

/** Keys for the form of a sentence. */
function keys(form) {
    const inputs = [...form.querySelectorAll("input[data-key]")];
    const status = form.querySelector("[role=status]");
    const press = (value) => form.querySelector(`button[value="${value}"]`).click();
    // Nothing is taken in between sending and the next sentence: it would be meant for that one.
    let sending = false;
    // An act that carries no topics takes them off; a topic takes such an act off.
    const settle = (changed) => {
        const act = form.querySelector("input[name=act]:checked");
        if (!act || act.dataset.carriesTopics !== "false") return;
        if (changed.name === "act") form.querySelectorAll("input[name=topic]:checked").forEach((t) => (t.checked = false));
        else if (changed.name === "topic" && changed.checked) act.checked = false;
    };
    const set = (input, on) => {
        input.checked = on;
        settle(input);
    };
    const takeOver = () => {
        const model = document.getElementById("model");
        if (!model) return;
        const topics = model.dataset.topics.split("|");
        for (const input of form.querySelectorAll("input[name=topic]")) input.checked = topics.includes(input.value);
        for (const input of form.querySelectorAll("input[name=act]")) input.checked = input.value === model.dataset.act;
    };
    const tell = (message) => {
        status.textContent = message;
        status.classList.add("wrong");
        sending = false;
    };
    form.addEventListener("change", (event) => settle(event.target));
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (sending) return;
        sending = true;
        const body = new URLSearchParams(new FormData(form));
        body.append(event.submitter.name, event.submitter.value);
        try {
            const answer = await fetch(form.action, { method: "POST", body });
            if (answer.ok) return location.assign(answer.url);
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            tell(page.querySelector("[role=alert]")?.textContent ?? `Not saved: the answer was ${answer.status}.`);
        } catch {
            tell("Not saved: petition cannot be reached. What you chose is still here; start petition review again, and choose it there.");
        }
    });
    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
        const target = event.target;
        if (target.form && target.form !== form) return;
        if (event.key === "Enter" && !target.matches("button, a, summary")) {
            event.preventDefault();
            press("save");
        }
        if (sending || target.matches("input[type=text], textarea")) return;
        const digit = /^Digit(\d)$/.exec(event.code);
        const key = digit ? (event.shiftKey ? "⇧" : "") + digit[1] : event.key.toLowerCase();
        const input = inputs.find((i) => i.dataset.key === key);
        if (input) set(input, input.type === "radio" || !input.checked);
        else if (key === "m") takeOver();
        else if (key === "s") press("skip");
        else if (key === "u") press("undo");
        else if (event.key === "?") document.getElementById("help").toggleAttribute("open");
        else return;
        event.preventDefault();
    });
}

/** Retraining as it goes on: its section is fetched anew until it has ended. */
async function follow(section) {
    while (section.dataset.state === "running") {
        await new Promise((resolve) => setTimeout(resolve, 500));
        let text;
        try {
            text = await (await fetch(section.dataset.from)).text();
        } catch {
            continue;
        }
        const next = new DOMParser().parseFromString(text, "text/html").getElementById("retraining");
        if (next.dataset.state === "running") {
            // What is read aloud stays as it is; only the bar moves.
            section.querySelector(".progress").replaceWith(next.querySelector(".progress"));
        } else {
            section.replaceWith(next);
            section = next;
        }
    }
}

const form = document.getElementById("labels");
if (form instanceof HTMLFormElement) keys(form);
const retraining = document.getElementById("retraining");
if (retraining) follow(retraining);
