"""Entry: `streamlit run app/main.py`. Path guard, page configuration, navigation."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # streamlit puts only app/ there
    sys.path.insert(0, str(ROOT))

import streamlit as st

from app import tasks
from app.explain import about_project
from app.shell import address, runs, theme_watch
from app.shell.server import at_once, warm
from app.shell.waiting import presence

st.set_page_config(page_title="sleepviz", page_icon=str(ROOT / "assets" / "icon.svg"), layout="wide")
st.html(ROOT / "app" / "shell" / "page.css")
at_once.for_every_visitor()
# A task without a model has an address, but no place in the menu.
TRAINED = {info.task for info in runs.checkpoints(runs.checkpoint_folder())}
FIRST = tasks.first(TRAINED)
PAGES = [
    st.Page(
        ROOT / "pages" / f"{name}.py",
        title=task.title,
        icon=task.icon,
        url_path=task.url,
        default=task is FIRST,
        visibility="visible" if task is FIRST or name in TRAINED else "hidden",
    )
    for name, task in tasks.PAGES.items()
]
PAGES += [
    st.Page(ROOT / "pages" / "learn.py", title="Learn", icon=":material/school:", url_path="learn"),
    st.Page(ROOT / "pages" / "inside.py", title="Inside", icon=":material/biotech:", url_path="inside"),
    st.Page(ROOT / "pages" / "lab.py", title="Lab", icon=":material/science:", url_path="lab"),
    st.Page(ROOT / "pages" / "cost.py", title="Cost", icon=":material/payments:", url_path="cost"),
    st.Page(ROOT / "pages" / "your_model.py", title="Your model", icon=":material/upload:", url_path="your-model"),
    st.Page(ROOT / "pages" / "limits.py", title="Limits", icon=":material/help:", url_path="limits"),
]
page = st.navigation(PAGES, position="top")
presence.begin()
address.enter(page.url_path)
asked = tasks.PAGES.get(address.asked().get("task", ""), FIRST)
if page.url_path == "" and asked is not FIRST and address.is_arrival():
    address.lead_to(asked.url)  # a link from a time when another page was the first
page.run()
about_project.show()
address.show()
theme_watch.show()  # last: even what draws nothing takes a gap on the page
warm.start(tasks.PAGES)
presence.end()
