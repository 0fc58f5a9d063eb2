"""Cost: what sleep takes, what it saves, and from how many questions on it pays."""

from app.cost import page

page.show()
