"""Story: one model, a document of several pages, and a question that no sentence answers."""

from app.stage import page

page.show("text")
