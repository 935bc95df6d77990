"""Names in the source of a package, read without importing it: for packages that import only where there is a GPU."""

from __future__ import annotations

import ast
import os


class Source:
    """A package's source in a folder, as a wheel unpacks it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._trees: dict[str, ast.Module] = {}

    def version(self, package: str) -> str:
        """The version that the folder's metadata names."""
        prefix = f"{package}-"
        names = [name for name in os.listdir(self._folder) if name.startswith(prefix) and name.endswith(".dist-info")]
        return names[0][len(prefix) : -len(".dist-info")] if names else "of an unknown version"

    def fields(self, path: str, name: str) -> list[str]:
        """The annotated fields of a class and of its bases in the same file."""
        kind = self.class_at(path, name)
        inherited = [
            field
            for base in kind.bases
            if isinstance(base, ast.Name) and self._has(path, base.id)
            for field in self.fields(path, base.id)
        ]
        own = [line.target.id for line in kind.body if isinstance(line, ast.AnnAssign)]
        return inherited + [field for field in own if not field.startswith("_")]

    def members(self, path: str, name: str) -> list[str]:
        """The names that a class assigns: the members of an enumeration."""
        lines = self.class_at(path, name).body
        return [target.id for line in lines if isinstance(line, ast.Assign) for target in line.targets]

    def parameters(self, path: str, name: str, method: str) -> list[str]:
        """The parameters of a method, in order."""
        for line in self.class_at(path, name).body:
            if isinstance(line, (ast.FunctionDef, ast.AsyncFunctionDef)) and line.name == method:
                arguments = line.args
                return [one.arg for one in arguments.posonlyargs + arguments.args + arguments.kwonlyargs]
        raise LookupError(f"{path}: {name} has no method {method}")

    def class_at(self, path: str, name: str) -> ast.ClassDef:
        """A class of a file."""
        for line in self._tree(path).body:
            if isinstance(line, ast.ClassDef) and line.name == name:
                return line
        raise LookupError(f"{path} has no class {name}")

    def says(self, path: str, text: str) -> bool:
        """Whether a file holds `text`."""
        with open(os.path.join(self._folder, path), encoding="utf-8") as file:
            return text in file.read()

    def _has(self, path: str, name: str) -> bool:
        return any(isinstance(line, ast.ClassDef) and line.name == name for line in self._tree(path).body)

    def _tree(self, path: str) -> ast.Module:
        if path not in self._trees:
            with open(os.path.join(self._folder, path), encoding="utf-8") as file:
                self._trees[path] = ast.parse(file.read())
        return self._trees[path]
