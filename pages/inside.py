"""Inside: one head of the fast weights, pass by pass, and what S gives back."""

from app.inside import page

page.show()
