"""Every page and every form, each in the module of what it is about."""

from tearline.web.page import Form, Page
from tearline.web.pages import (
    agreements,
    back,
    home,
    logs,
    objects,
    partners,
    queue,
    settings,
)

_MODULES = (home, queue, objects, agreements, partners, back, logs, settings)

PAGES: tuple[Page, ...] = tuple(page for each in _MODULES for page in each.PAGES)
FORMS: tuple[Form, ...] = tuple(form for each in _MODULES for form in each.FORMS)
