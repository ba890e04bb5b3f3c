"""A moving picture as a notebook shows it: rendered before it is on the page, and taken away again."""

from playwright.sync_api import Page

from layercake import figures


def put_on(page: Page, name: str, state: dict) -> None:
    """Render the picture with a model of its own, and only then put it on the page."""
    source = figures.source(name)
    page.add_script_tag(type="module", content=source.replace("export default ", "globalThis.picture = "))
    page.wait_for_function("globalThis.picture")
    page.evaluate(
        """(state) => {
        globalThis.values = { state };
        const model = { get: (name) => values[name], set: (name, value) => (values[name] = value), save_changes() {} };
        globalThis.el = document.createElement('div');
        globalThis.leave = picture.render({ model, el });
        document.body.append(el);
    }""",
        state,
    )


def take_away(page: Page) -> None:
    """Take it away; nothing of it is left."""
    page.evaluate("leave()")
    assert page.evaluate("el.children.length") == 0
