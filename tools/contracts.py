"""Import contracts that hold for the modules that exist, and bite as new ones appear.

The contracts of import-linter refuse a name that is not there yet. These skip it, so that
pyproject.toml can state the whole design from the first day.
"""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.protected import ProtectedContract
from importlinter.domain.imports import ModuleExpression


def _present(contract: Contract, field: str, graph: ImportGraph) -> set[ModuleExpression]:
    """The modules that a field of the contract names, as far as they exist."""
    return {module for module in getattr(contract, field) if module.expression in graph.modules}


def _drop_absent(contract: Contract, field: str, graph: ImportGraph) -> None:
    setattr(contract, field, _present(contract, field, graph))


class Pure(ForbiddenContract):
    """None of the sources imports a forbidden module, directly or through others."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001
        """Compare the sources that exist with the forbidden modules that exist."""
        _drop_absent(self, "source_modules", graph)
        _drop_absent(self, "forbidden_modules", graph)
        return super().check(graph, verbose)


class Only(ProtectedContract):
    """Nobody but the allowed importers imports a protected module directly."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001
        """Look at the importers of each protected module that anyone imports."""
        _drop_absent(self, "protected_modules", graph)
        return super().check(graph, verbose)


class Alone(Contract):
    """The sources import nothing of their own root package but the allowed modules."""

    type_name = "alone"
    source_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed_modules = fields.SetField(subfield=fields.ModuleExpressionField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001
        """Follow the imports of the sources through the allowed modules."""
        allowed = {module.expression for module in _present(self, "allowed_modules", graph)}
        sources = {module.expression for module in _present(self, "source_modules", graph)}
        roots = set(self.session_options["root_packages"])
        strangers = sorted(
            (importer, imported)
            for importer in sources | allowed
            for imported in graph.find_modules_directly_imported_by(importer)
            if imported.split(".")[0] in roots and imported not in allowed | sources
        )
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that is too many."""
        for importer, imported in check.metadata["strangers"]:
            output.print_error(f"{importer} is not allowed to import {imported}")
