// Keys for what the form does anyway; without this script everything works by mouse and Tab.
"use strict";
const form = document.getElementById("labels");
if (form) {
    const inputs = [...form.querySelectorAll("input[data-key]")];
    const press = (value) => form.querySelector(`button[value="${value}"]`).click();
    const noTopics = (act) => act.dataset.carriesTopics === "false";
    // An act that carries no topics takes them off; a topic takes such an act off.
    const settle = (changed) => {
        const act = form.querySelector("input[name=act]:checked");
        if (!act || !noTopics(act)) return;
        if (changed.name === "act") form.querySelectorAll("input[name=topic]:checked").forEach((t) => (t.checked = false));
        else if (changed.name === "topic" && changed.checked) act.checked = false;
    };
    form.addEventListener("change", (event) => settle(event.target));
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
    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
        const writes = event.target.matches("input[type=text], textarea");
        if (event.key === "Enter" && !event.target.matches("button, a, summary")) {
            event.preventDefault();
            press("save");
        }
        if (writes) return;
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
