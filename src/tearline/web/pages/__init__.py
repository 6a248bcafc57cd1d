"""Every page and every form, each in the module of what it is about."""

from tearline.web.page import Call, Check, Download, Drop, Form, Page
from tearline.web.pages import (
    account,
    agreements,
    back,
    charts,
    claims,
    drafts,
    explore,
    home,
    hypotheses,
    imports,
    leaves,
    listed,
    logs,
    one_claim,
    one_object,
    partners,
    queue,
    settings,
    sources,
    stops,
)

_MODULES = (
    home,
    queue,
    listed,
    one_object,
    claims,
    one_claim,
    sources,
    charts,
    explore,
    hypotheses,
    drafts,
    agreements,
    partners,
    back,
    stops,
    logs,
    leaves,
    imports,
    settings,
    account,
)

PAGES: tuple[Page, ...] = tuple(page for each in _MODULES for page in each.PAGES)
CALLS: tuple[Call, ...] = (*queue.CALLS, *account.CALLS)
FORMS: tuple[Form, ...] = tuple(form for each in _MODULES for form in each.FORMS)
CHECKS: tuple[Check, ...] = logs.CHECKS
DOWNLOADS: tuple[Download, ...] = (*leaves.DOWNLOADS, *back.DOWNLOADS)
DROPS: tuple[Drop, ...] = imports.DROPS
