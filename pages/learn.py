"""Learn: the path for whoever does not know the field, in ten steps."""

from app.learn import page

page.show()
