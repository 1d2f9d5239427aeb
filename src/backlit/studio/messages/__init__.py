"""What the page asks, and what it is told: each message once. `web/src/messages.ts` is made from this room.

Every question is one function of `questions.py`, named like the address it answers at; it takes one of the queries and
returns one of the replies. A moment is named the same way everywhere: by timeline, step, and the rows that are looked
at.
"""

from backlit.studio.messages.asked import *  # noqa: F403
from backlit.studio.messages.moment import *  # noqa: F403
from backlit.studio.messages.run import *  # noqa: F403
from backlit.studio.messages.table import *  # noqa: F403
